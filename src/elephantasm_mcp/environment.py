"""The environment: variables, the `.env` of our own folder, and where our files are.

Owns the few values that a hook reads, without the library that checks all of them: that takes a
third of a hook's time. `settings` is for everything else. Invariant: what a value is here it is in
`settings`: the environment beats the `.env`, and an empty variable is none.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import platformdirs

APP_NAME: Final = "elephantasm-mcp"
PREFIX: Final = "ELEPHANTASM_"
_PLUGIN_LOADER: Final = "pydantic.plugin._loader"
_NO: Final = frozenset({"0", "false", "f", "no", "n", "off"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the memory is, and how it takes in what it is given."""

    database: Path
    endpoint: str | None
    """The server that has it instead."""
    anima: str | None
    """The anima that the user chose; None: the one of the project at hand."""
    redact: bool
    models: bool = True
    """Whether models may help to find what a prompt recalls."""
    env_file: Path | None = None
    """The file that was named for all other settings, such as a server's key."""


def variables(names: Iterable[str]) -> dict[str, str]:
    """What the environment says of variables that are not ours: those that are set."""
    return {name: value for name in names if (value := os.environ.get(name))}


def config_file() -> Path:
    """The `.env` that is read when no `--env-file` is given."""
    return Path(platformdirs.user_config_dir(APP_NAME)) / ".env"


def data_folder() -> Path:
    """Where our files are."""
    return Path(platformdirs.user_data_dir(APP_NAME))


def default_database() -> str:
    """A file in the user's data folder."""
    return str(data_folder() / "memory.sqlite3")


def without_plugins() -> None:
    """Have pydantic look for no plugins: it would read the metadata of all that is installed.

    For a process of ours that ends at once; it is to be called before pydantic is imported. The
    variable alone would still import what reads metadata: mail, archives, sockets.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    loader = ModuleType(_PLUGIN_LOADER)
    setattr(loader, "get_plugins", tuple)  # noqa: B010 - no module of ours has that name
    sys.modules.setdefault(_PLUGIN_LOADER, loader)


def read_place(*, env_file: Path | None = None, database: str | None = None) -> Place:
    """Where the memory is by the environment; a `database` that is named beats a server.

    A file that cannot be read counts as none: whoever uses the settings is told.
    """
    values = _values(env_file or config_file())
    anima = values.get("ANIMA_ID")
    return Place(
        database=Path(database or values.get("DATABASE") or default_database()).expanduser(),
        endpoint=None if database else values.get("ENDPOINT"),
        anima=None if anima == "project" else anima,
        redact=values.get("REDACT", "").strip().lower() not in _NO,
        models=values.get("EMBEDDER") != "none",
        env_file=env_file,
    )


def _values(file: Path) -> Mapping[str, str]:
    """Our variables without their prefix, in capitals."""
    found = {**_file_values(file), **os.environ}
    return {
        name.upper().removeprefix(PREFIX): value
        for name, value in found.items()
        if value and name.upper().startswith(PREFIX)
    }


def _file_values(file: Path) -> Mapping[str, str]:
    if not file.is_file():
        return {}
    from dotenv import dotenv_values  # few have that file

    try:
        return {name: value or "" for name, value in dotenv_values(file, encoding="utf-8").items()}
    except (OSError, UnicodeDecodeError):
        return {}
