"""The folder that `export --markdown` writes.

Owns which folder may be written, and which of its files are ours. Invariant: a file that an export
did not make is neither changed nor removed.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.drafts import behind_links, draft
from elephantasm_mcp.errors import ConflictError, StorageError
from elephantasm_mcp.memory import markdown

if TYPE_CHECKING:
    from elephantasm_mcp.app import App
    from elephantasm_mcp.types.records import AnimaNo

MARK: Final = ".elephantasm-export"
"""The file that says which of the others are ours."""
_FORMAT: Final = "elephantasm-markdown"
_WAITING_CHARS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """What a folder holds."""

    folder: str
    animas: list[str]
    files: int


async def write_folder(app: App, chosen: Sequence[AnimaNo] | None, folder: Path) -> Written:
    """Write pages of these animas into a folder, which is empty, missing, or an earlier export.

    Raises:
        ConflictError: it holds something else.
        StorageError: it cannot be written.
    """
    with _explained(folder), _Folder(folder).being_written() as files:
        rendered = await markdown.render(app.core, app.user, chosen, files.put)
    return Written(str(folder), rendered.animas, rendered.pages)


class _Folder:
    """A folder on its way; pages grow at their end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: defaultdict[str, list[str]] = defaultdict(list)
        self._size_chars = 0
        self._begun: set[str] = set()

    @contextmanager
    def being_written(self) -> Generator[_Folder, None, None]:
        """Clear what an earlier export left; what the block puts is there at its end."""
        earlier = _earlier(self._path)
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in earlier:
            (self._path / name).unlink(missing_ok=True)
        try:
            yield self
            self._flush()
        finally:
            self._note(self._begun)

    def put(self, name: str, text: str) -> None:
        """Put more on a page."""
        self._waiting[name].append(text)
        self._size_chars += len(text)
        if self._size_chars > _WAITING_CHARS:
            self._flush()

    def _flush(self) -> None:
        new = self._waiting.keys() - self._begun
        for name in sorted(new):
            if not _is_inside(self._path, name):
                raise _foreign(self._path, PurePosixPath(name).parts[0])
            if os.path.lexists(self._path / name):
                raise _foreign(self._path, name)
        if new:
            self._note(self._begun | new)  # before they are there: an export may be killed
        for name, texts in self._waiting.items():
            path = self._path / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = "a" if name in self._begun else "x"
            try:
                with path.open(mode, encoding="utf-8", newline="\n") as file:
                    self._begun.add(name)
                    file.write("".join(texts))
            except FileExistsError as error:
                raise _foreign(self._path, name) from error
        self._waiting.clear()
        self._size_chars = 0

    def _note(self, names: Iterable[str]) -> None:
        marked = {"format": _FORMAT, "files": sorted(names)}
        text = json.dumps(marked, indent=1, ensure_ascii=False)
        with draft(self._path / MARK) as file:
            file.write_text(f"{text}\n", encoding="utf-8")
            file.replace(self._path / MARK)


def _earlier(folder: Path) -> list[str]:
    """The files of an earlier export in a folder.

    Raises:
        ConflictError: it is none, and not empty.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ConflictError(f"{folder.name} is a file; nothing was written.", hint="Name a folder.")
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        if mark["format"] == _FORMAT and not (folder / MARK).is_symlink():
            return [name for name in mark["files"] if _is_inside(folder, name)]
    if any(folder.iterdir()):
        raise ConflictError(
            f"{folder.name} is not empty, and no earlier export; nothing was written.",
            hint="Name another folder.",
        )
    return []


def _is_inside(folder: Path, name: str) -> bool:
    """Whether a file of that name is in the folder, links to other folders followed."""
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and "\\" not in name
    return plain and behind_links((folder / name).parent).is_relative_to(behind_links(folder))


def _foreign(folder: Path, name: str) -> ConflictError:
    return ConflictError(
        f"{name} in {folder.name} was not made by an export; it was left as it is.",
        hint="Move it away, or name another folder.",
    )


@contextmanager
def _explained(folder: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder.name} cannot be written: {error.strerror}.") from error
