"""Files of clients: read whole, written whole or not at all.

Owns reading, the backup and the replacement in one step. Does not know what is in them. Invariant:
at any moment the file is either as it was or as it should be, what it links to is the same, so is
its mode unless a key is in it, and what it was stands beside it.
"""

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.errors import ConflictError, ValidationError

MAX_BYTES: Final = 64_000_000
"""Claude Code keeps its history in the same file as its servers; more than this is no settings."""
_SECRET_MODE: Final = 0o600
"""Of a new file: an entry may hold a key."""
BACKUP: Final = ".before-elephantasm"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as it was read; `text` is empty and `mode` None where there is none yet."""

    path: Path
    """Where it is, links followed."""
    text: str
    mode: int | None


def load(path: Path) -> TextFile:
    """The file, or an empty one where there is none.

    Raises:
        ValidationError: it cannot be read, or is no text; the message names it.
    """
    try:
        real = path.resolve()
        data = real.read_bytes()
        mode = stat.S_IMODE(real.stat().st_mode)
    except FileNotFoundError:
        return TextFile(path.resolve(), "", None)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise _refused(path, "cannot be read", error) from None
    if len(data) > MAX_BYTES:
        raise ValidationError(f"{path} is too large for a file of settings. It was not changed.")
    try:
        return TextFile(real, data.decode(), mode)
    except UnicodeDecodeError:
        raise ValidationError(f"{path} is no UTF-8 text. It was not changed.") from None


def check_writable(file: TextFile) -> None:
    """Refuse what is not to be written, before anything is.

    Raises:
        ValidationError: it, or its folder, is read-only; the message names it.
    """
    if file.mode is not None and not file.mode & stat.S_IWUSR:  # the superuser could all the same
        raise ValidationError(
            f"{file.path} is read-only. It was not changed.", hint="Make it writable, then repeat."
        )
    folder = next(one for one in file.path.parents if one.exists())
    if not os.access(folder, os.W_OK):
        raise ValidationError(f"The folder {folder} is read-only. {file.path} was not changed.")


def save(file: TextFile, text: str, *, secret: bool = False) -> Path | None:
    """Replace the file, after a backup of what was there; the result is the backup.

    Where a key is or was in it (`secret`), both are for nobody but their owner from then on.

    Raises:
        ConflictError: somebody else changed it since it was read.
        ValidationError: it cannot be written; the message names it.
    """
    check_writable(file)
    temporary: Path | None = None
    mode = _SECRET_MODE if secret or file.mode is None else file.mode
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        backup = _back_up(file, mode=mode)
        descriptor, name = tempfile.mkstemp(dir=file.path.parent, prefix=f".{file.path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        _keep_owner(temporary, file)
        if load(file.path) != file:
            raise ConflictError(
                f"{file.path} was changed by another program just now. It was not changed by this"
                " one.",
                hint="Quit that program, then repeat.",
            )
        temporary.replace(file.path)
    except OSError as error:
        raise _refused(file.path, "cannot be written", error) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
    return backup


def keep_secret(file: TextFile) -> None:
    """Leave the file to nobody but its owner.

    Raises:
        ValidationError: its mode cannot be changed; the message names it.
    """
    if file.mode is not None and file.mode & ~_SECRET_MODE:
        try:
            file.path.chmod(file.mode & _SECRET_MODE)
        except OSError as error:
            raise _refused(file.path, "cannot be closed to others", error) from None


def backups_of(path: Path) -> list[Path]:
    """What the file was before, by whichever change of it, in the order of their names."""
    try:
        found = [one for one in path.parent.iterdir() if one.name.startswith(path.name + BACKUP)]
    except OSError:
        return []
    return sorted(found, key=lambda one: (len(one.name), one.name))


def _keep_owner(temporary: Path, file: TextFile) -> None:
    """The superuser, who may, leaves a user's file to that user."""
    was = file.path if file.mode is not None else file.path.parent
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(temporary, was.stat().st_uid, was.stat().st_gid)


def _back_up(file: TextFile, *, mode: int) -> Path | None:
    """Copy what was there to a name that is free."""
    if file.mode is None:
        return None
    number = 1
    while True:
        ending = BACKUP if number == 1 else f"{BACKUP}-{number}"
        backup = file.path.with_name(file.path.name + ending)
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.text.encode())
        backup.chmod(mode)
        return backup


def _refused(path: Path, what: str, error: Exception) -> ValidationError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ValidationError(f"{path} {what}: {reason}. It was not changed.")
