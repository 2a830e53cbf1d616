"""Folders: the project that a folder belongs to, and what it is called.

Owns what the root of a project is. Invariant: the same project has the same name, by whichever
path, clone, worktree or spelling of its remote one comes to it; two projects have two.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from elephantasm_mcp.projects import git
from elephantasm_mcp.projects.files import FILE_NAME, read_wish

PROJECT: Final = "project"
"""The default anima that means: the one of the project at hand."""
DEFAULT: Final = "default"
"""The name of the default anima where there is no project."""
Source = Literal["git remote", "root folder", "none"]

_DIGEST_CHARS: Final = 8
_MAX_FOLDER_CHARS: Final = 100
_UNPRINTABLE: Final = re.compile(r"[^\w .+-]+")


@dataclass(frozen=True, slots=True)
class Project:
    """Where somebody works."""

    name: str
    """Its own anima: `acme/app`, or `notes-1f3c9a2e` after a folder."""
    root: Path
    source: Source
    """What the name is from; `none` for the home folder and what is above it: no project."""
    asked: str | None = None
    """The anima that its file names. Whether it may be used is decided where animas are."""
    note: str | None = None
    """What is wrong with its file."""


def project_of(folder: Path, *, home: Path | None = None) -> Project:
    """The project of a folder; never fails. `home` is the user's unless given."""
    home = home or _home()
    try:
        folder = folder.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return Project(DEFAULT, folder, "none")
    candidates = _within(folder, home)
    if not candidates:
        return Project(DEFAULT, folder, "none")
    for root in candidates:
        shared = git.shared_folder(root)
        if shared is not None:
            return _of_repository(root, shared)
    root = next((one for one in candidates if _has_file(one)), folder)
    return _heard(_name_of_folder(root), root, "root folder")


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except (OSError, RuntimeError):
        return None


def _within(folder: Path, home: Path | None) -> list[Path]:
    """The folder and those above it that may be a project's root."""
    return [
        one
        for one in (folder, *folder.parents)
        if one.parent != one and not (home and home.is_relative_to(one))
    ]


def _has_file(folder: Path) -> bool:
    try:
        return (folder / FILE_NAME).is_file()
    except OSError:
        return False


def _of_repository(root: Path, shared: Path) -> Project:
    url = git.remote_of(shared) or ""
    name = git.name_of(url)
    if name is not None:
        return _heard(name, root, "git remote")
    main = shared.parent if shared.name == ".git" else shared
    elsewhere = git.path_of(url, base=main)
    return _heard(_name_of_folder(elsewhere or main), root, "root folder")


def _heard(name: str, root: Path, source: Source) -> Project:
    wish = read_wish(root)
    return Project(name, root, source, asked=wish.anima, note=wish.note)


def _name_of_folder(folder: Path) -> str:
    """A folder's own name, and what tells it from others of that name."""
    path = folder.as_posix().rstrip("/").removesuffix("/.git")
    if _spelled_either_way(folder):
        path = path.casefold()
    own = path.rpartition("/")[2].removesuffix(".git")
    shown = " ".join(_UNPRINTABLE.sub(" ", own).split())[:_MAX_FOLDER_CHARS].strip()
    digest = sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    return f"{shown or PROJECT}-{digest}"


def _spelled_either_way(folder: Path) -> bool:
    """Whether the file system takes capitals for small letters."""
    try:
        other = folder.with_name(folder.name.swapcase())
        return other.name != folder.name and other.samefile(folder)
    except (OSError, ValueError):
        return False
