"""The models' files that ship in the wheel.

Owns finding a file and proving that it is whole, not what is in it. Invariant: no byte of a model
is used before its SHA-256 matched `SHA256SUMS`.
"""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from elephantasm_mcp.errors import ServerError

BUNDLED: Final = files("elephantasm_mcp.embedding") / "models"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model without opening it.

    The number in the name changes with whatever changes the vectors: file, tokenizer, pooling,
    limits.
    """

    name: str
    dimensions: int


SENTENCES: Final = ModelCard(name="minilm-l3-q8:1", dimensions=384)
WORDS: Final = ModelCard(name="potion-8m:1", dimensions=256)


@contextmanager
def verified(folder: Traversable, name: str) -> Generator[Path, None, None]:
    """The path of one model file, good while the context is open.

    Raises:
        ServerError: the file is missing, or its SHA-256 does not match.
    """
    try:
        with as_file(folder / name) as path:
            _require_whole(folder, path)
            yield path
    except OSError as error:
        raise _broken(f"The embedding model file {name} is missing or unreadable.") from error


def read_vocabulary(folder: Traversable, name: str) -> list[str]:
    """The tokens of a vocabulary file, one a line: a token's id is its index.

    Raises:
        ServerError: the file is missing, or its SHA-256 does not match.
    """
    with verified(folder, name) as path:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _require_whole(folder: Traversable, path: Path) -> None:
    listed = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name: digest for digest, name in (line.split() for line in listed)}
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sums.get(path.name):
        raise _broken(f"The embedding model file {path.name} is damaged.")


def _broken(message: str) -> ServerError:
    return ServerError(message, hint="Install elephantasm-mcp again to restore it.")
