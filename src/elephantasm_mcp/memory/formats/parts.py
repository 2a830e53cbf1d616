"""Parts: the files that an import reads, whether given as a file, a folder or a zip.

Owns how they are opened, one after the other, and what is refused before anything is read: what is
not there, what is another kind of thing, what would unpack to much more than it is. Writes nothing.
Invariant: at most one file is open at a time, and no link leads out of the folder that was given.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import BinaryIO, Final

from typing_extensions import override

from elephantasm_mcp.errors import ValidationError

STDIN: Final = "-"
HEAD_BYTES: Final = 1 << 16
"""How much of a file its format is told from."""
MAX_UNPACKED_BYTES: Final = 16 << 30
MAX_RATIO: Final = 200
"""JSON of chats is packed about tenfold; what gains more than this was made to."""
_ALWAYS_FINE_BYTES: Final = 64 << 20
_ZIP: Final = b"PK\x03\x04"
_PASSED_FOLDERS: Final = frozenset({"node_modules", "__pycache__"})
_HIDDEN_BUT_READ: Final = ".claude"


@dataclass(frozen=True, slots=True)
class Part:
    """One open file."""

    name: str
    """Its path in the folder or zip, or its own name."""
    file: BinaryIO
    start: int = 0
    """The bytes of all parts before it."""
    alone: bool = True
    """Whether it is all there is: then places need not say where they are."""
    changed: datetime | None = None
    """When it was last written, if it is a file of its own."""
    path: Path | None = None
    """Where it is, if it is a file of its own."""
    root: Path | None = None
    """The folder that was given, or that of the file: nothing outside of it is ours to read."""

    def place(self, text: str) -> str:
        """A place in it, for people."""
        return text if self.alone else f"{self.name}, {text}" if text else self.name


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that will be read, not open yet."""

    name: str
    size_bytes: int
    path: Path | None = None
    """Where it is, unless it is in a zip."""


class Source:
    """What somebody named to import. `open_source` makes it."""

    def __init__(self, name: str, *, stdin: BinaryIO | None = None) -> None:
        self.name = name
        self.path = Path(name)
        self._stdin = io.BufferedReader(_Raw(stdin), HEAD_BYTES) if stdin else None

    @property
    def argument(self) -> str:
        """What to type for it."""
        return quote(str(self.path)) if self._stdin is None else STDIN

    @property
    def is_stream(self) -> bool:
        """Whether it can be read only once, and nobody knows how long it is."""
        return self._stdin is not None

    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self._stdin is None and self.path.is_dir()

    def is_zip(self) -> bool:
        """Whether it is a zip."""
        return not self.is_folder() and self.head().startswith(_ZIP)

    def head(self) -> bytes:
        """Its first bytes, without reading them away.

        Raises:
            ValidationError: it cannot be read.
        """
        if self._stdin is not None:
            return self._stdin.peek(HEAD_BYTES)[:HEAD_BYTES]
        try:
            with self.path.open("rb") as file:
                return file.read(HEAD_BYTES)
        except (OSError, ValueError) as error:
            raise _unreadable(self.name) from error

    def read_all(self) -> bytes:
        """All of a file.

        Raises:
            ValidationError: it cannot be read.
        """
        try:
            return self.path.read_bytes() if self._stdin is None else self._stdin.read()
        except (OSError, ValueError) as error:
            raise _unreadable(self.name) from error

    def head_of(self, one: Listed) -> bytes:
        """The first bytes of one of its files.

        Raises:
            ValidationError: it cannot be read.
        """
        if self._stdin is not None:
            return self.head()
        try:
            with self._open(one) as file:
                return file.read(HEAD_BYTES)
        except (OSError, zipfile.BadZipFile) as error:
            raise _unreadable(one.name) from error

    def listed(self, *patterns: str) -> list[Listed]:
        """The files of a folder or zip that match, in the order of their names; or the file itself.

        Raises:
            ValidationError: it cannot be read, or would unpack to far too much.
        """
        try:
            if self._stdin is not None:
                return [Listed(self.name, 0)]
            if self.path.is_dir():
                return list(_in_folder(self.path, patterns))
            if self.is_zip():
                return self._in_zip(patterns)
            return [Listed(self.path.name, self.path.stat().st_size, self.path)]
        except (OSError, ValueError) as error:
            raise _unreadable(self.name) from error

    def parts(self, listed: list[Listed]) -> Iterator[Part]:
        """Open each of them in turn; one is closed before the next is opened.

        Raises:
            ValidationError: one cannot be read.
        """
        if self._stdin is not None:
            yield Part(self.name, self._stdin)
            return
        start, alone = 0, len(listed) == 1 and not self.path.is_dir()
        for one in listed:
            try:
                with self._open(one) as file:
                    yield self._part(one, file, start=start, alone=alone)
            except (OSError, zipfile.BadZipFile) as error:
                raise _unreadable(one.name) from error
            start += one.size_bytes

    def _part(self, one: Listed, file: BinaryIO, *, start: int, alone: bool) -> Part:
        if one.path is None:
            return Part(one.name, file, start, alone)
        root = self.path if self.path.is_dir() else one.path.parent
        return Part(one.name, file, start, alone, _changed(one.path), one.path, root)

    def _open(self, one: Listed) -> BinaryIO:
        if one.path is not None:
            return one.path.open("rb")
        return io.BufferedReader(_Member(self.path, one.name), HEAD_BYTES)

    def _in_zip(self, patterns: tuple[str, ...]) -> list[Listed]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = [one for one in archive.infolist() if _matches(one.filename, patterns)]
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise ValidationError(
                f"{self.name} is a damaged zip.", hint="Download or copy it again."
            ) from error
        for one in members:
            _check_member(one, zip_name=self.name)
        return sorted(
            (Listed(one.filename, one.file_size) for one in members), key=lambda one: one.name
        )


def open_source(name: str, *, stdin: BinaryIO | None = None) -> Source:
    """What is to be read; `-` is standard input.

    Raises:
        ValidationError: there is no such thing, or it is no file and no folder.
    """
    if name == STDIN and stdin is not None:
        return Source("standard input", stdin=stdin)
    path = Path(name)
    try:
        if path.is_dir() or path.is_file():
            return Source(name)
        if path.is_fifo():  # what a shell makes of <(command)
            return Source(name, stdin=path.open("rb"))
    except (OSError, ValueError) as error:
        raise _unreadable(name) from error
    raise _unreadable(name)


class _Raw(io.RawIOBase):
    """A stream that can only be read, so that a larger buffer can stand before it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)
        """What is there by now: who types waits for no full buffer."""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Member(io.RawIOBase):
    """A file in a zip, with the zip open behind it."""

    def __init__(self, path: Path, name: str) -> None:
        self._archive = zipfile.ZipFile(path)
        self._file = self._archive.open(name)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._file.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise OSError("the zip is damaged") from error
        buffer[: len(data)] = data
        return len(data)

    @override
    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._archive.close()
        super().close()


def _in_folder(folder: Path, patterns: tuple[str, ...]) -> Iterator[Listed]:
    """Files below a folder; what begins with a dot, and links, are passed over."""
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(map(_is_passed, inner.parts)):
            continue
        if path.is_symlink() or not path.is_file() or not _matches(inner.as_posix(), patterns):
            continue
        if path.resolve().is_relative_to(folder.resolve()):
            yield Listed(inner.as_posix(), path.stat().st_size, path)


def _is_passed(name: str) -> bool:
    return (name.startswith(".") and name != _HIDDEN_BUT_READ) or name in _PASSED_FOLDERS


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return not name.endswith("/") and any(map(PurePosixPath(name).match, patterns))


def _check_member(one: zipfile.ZipInfo, *, zip_name: str) -> None:
    bomb = one.file_size > max(_ALWAYS_FINE_BYTES, MAX_RATIO * one.compress_size)
    if bomb or one.file_size > MAX_UNPACKED_BYTES:
        raise ValidationError(
            f"{one.filename} in {zip_name} would unpack from {one.compress_size:,} to"
            f" {one.file_size:,} bytes. No chat is packed like that.",
            hint="If it is yours, unpack it yourself and name the file in it.",
        )
    if one.flag_bits & 0x1:
        raise ValidationError(
            f"{one.filename} in {zip_name} is encrypted.", hint="Unpack it and name the file in it."
        )


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _unreadable(name: str) -> ValidationError:
    return ValidationError(f"{name} cannot be read.", hint="Name a file.")
