"""Files: what `.elephantasm.toml` at the root of a project asks for.

Owns how it is read and which names it may bring up. Does not decide whether the anima of that name
may be used. Invariant: the file may be a stranger's, so nothing of it but a plain name gets out.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.projects.reading import read_small

FILE_NAME: Final = ".elephantasm.toml"
_MAX_BYTES: Final = 4096
_MAX_CHARS: Final = 100
_NAME: Final = re.compile(r"\w[\w .+-]*(?:/[\w .+-]+)*")
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_RESERVED: Final = re.compile(r".*/.*|.*-[0-9a-f]{8}|default|project", re.IGNORECASE)
_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK"})
_LOOKALIKES: Final = str.maketrans(
    "авекмнорстухѕіјһԁԛԝӏүαβεικμνορτυχ",  # Cyrillic and Greek: as capitals, if not as these
    "abekmhopctyxsijhdqwlyabeikmvoptyx",
)
_EXAMPLE: Final = 'It may hold one line, such as anima = "payments".'


@dataclass(frozen=True, slots=True)
class Wish:
    """What a file asks for."""

    anima: str | None = None
    note: str | None = None
    """Why it is not listened to."""


def read_wish(root: Path) -> Wish:
    """What the file of a project asks for; nothing when there is none."""
    path = root / FILE_NAME
    try:
        there = path.is_symlink() or path.exists()
    except OSError:
        there = False
    if not there:
        return Wish()
    data = read_small(path, max_bytes=_MAX_BYTES, links=False)
    if data is None:
        return _unheard("is no plain file of at most 4 KB")
    import tomllib  # most projects have no such file

    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return _unheard("is no TOML")
    if found.keys() != {"anima"}:
        return _unheard("holds something else than `anima`" if found else "names no anima")
    return _checked(found["anima"])


def may_be_new(name: str, *, beside: Iterable[str]) -> bool:
    """Whether a file may bring a new anima of that name into being, `beside` those that there are.

    Not one that another project would be given by itself, nor the default one: whoever works there
    later would share it with the repository that claimed it first. Nor one that a person takes for
    one that is there: `Work` beside `work`; nor one of letters of several scripts that look alike.
    """
    looks = _folded(name)
    plain = len(_scripts(name)) <= 1 and not _RESERVED.fullmatch(looks)
    return plain and looks not in map(_folded, beside)


def _folded(name: str) -> str:
    """A name without what tells capitals, wide letters and those of other scripts from others."""
    small = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return small.translate(_LOOKALIKES)


def _scripts(name: str) -> set[str]:
    """Which of the scripts that have letters in common a name is written in."""
    letters = unicodedata.normalize("NFKD", name)
    return {unicodedata.name(one, "").partition(" ")[0] for one in letters} & _ALIKE


def _checked(anima: object) -> Wish:
    if not isinstance(anima, str):
        return _unheard("has an `anima` that is no text")
    name = " ".join(anima.split())
    if len(name) > _MAX_CHARS or not _NAME.fullmatch(name) or _UUID.fullmatch(name):
        return _unheard(
            f"has an `anima` that is no name of up to {_MAX_CHARS} letters, digits and . _ + - /"
        )
    return Wish(anima=name)


def _unheard(why: str) -> Wish:
    return Wish(note=f"{FILE_NAME} {why}, so nobody listens to it. {_EXAMPLE}")
