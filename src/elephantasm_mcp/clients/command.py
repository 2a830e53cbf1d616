"""The command that starts this program from anywhere.

Owns the guess of how it was installed. Invariant: the command is an absolute path and what belongs
to it, since a client that was started from a desktop has a poor PATH, and it outlives this process.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from elephantasm_mcp.environment import APP_NAME, variables

UVX: Final = "uvx"
_MODULE: Final = "elephantasm_mcp"
SAFELY: Final = ("-P", "-m")
"""How Python runs a module of its own; without -P the folder that a client works in comes first,
and a file of a repository there would be run in place of a library."""
_PROGRAM: Final = re.compile(
    rf"(?:.*[/\\])?{re.escape(APP_NAME)}(?:\.exe|[\[@=<>~!:].*)?", re.DOTALL
)
"""This program as a word of a command: with its folder, its version, or as an image."""
_STARTS_OTHERS: Final = re.compile(
    r"\w+=.*|(?:.*[/\\])?"
    r"(?:uvx?|pipx|py|python[\d.]*|docker|podman|env|cmd|wsl|timeout|nice|nohup)(?:\.exe)?",
    re.DOTALL | re.IGNORECASE,
)
"""The first word of a command that may be one of ours: a setting before it, or what runs it."""
_CACHES: Final = ("archive-v", "environments-v", "builds-v")
"""Folders of uv's cache in which `uvx` makes environments; they go when the cache is cleaned."""


UV_READS: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"),
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("UV_CACHE_DIR", "XDG_CACHE_HOME", "UV_PYTHON", "UV_CONFIG_FILE", "UV_OFFLINE"),
)
"""Variables by which uv finds its registry, its cache and a Python ("Environment variables" of uv's
documentation). One with an `@` may hold a password, and is not written."""


@dataclass(frozen=True, slots=True)
class Start:
    """How to start this program, and how that was found."""

    line: tuple[str, ...]
    installed_by: str
    env: Mapping[str, str] = field(default_factory=dict)
    """What it needs beside: how uv reaches its registry from here."""

    @property
    def line_of_hooks(self) -> tuple[str, ...]:
        """The same for hooks, which have two seconds: uv asks its registry for a second of them."""
        program, *rest = self.line
        return (program, "--offline", *rest) if self.installed_by == UVX else self.line


@dataclass(frozen=True, slots=True)
class Python:
    """The environment in which this program runs."""

    executable: Path
    prefix: Path
    base_prefix: Path
    scripts: tuple[Path, ...]
    """Where programs of this environment are, and of its user, who may have installed one there."""
    home: Path
    uv: Path | None = None
    """The uv that started this process, if one did."""
    uv_env: Mapping[str, str] = field(default_factory=dict)
    """What the environment says to uv."""
    source: str | None = None
    """What the package was installed from, if that was no registry (`direct_url.json`, PEP 610)."""


def this_python() -> Python:
    """The environment of this process."""
    uv = variables(["UV"]).get("UV")
    try:
        source = distribution(APP_NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        source = None
    return Python(
        executable=Path(sys.executable),
        prefix=Path(sys.prefix),
        base_prefix=Path(sys.base_prefix),
        scripts=tuple(map(Path, _script_folders())),
        home=Path.home(),
        uv=Path(uv) if uv else None,
        uv_env=variables(UV_READS),
        source=source,
    )


def find_command(python: Python, *, which: Callable[[str], str | None] = shutil.which) -> Start:
    """The command for the way in which `python` was made; `which` looks for programs."""
    if any(part.startswith(_CACHES) for part in python.prefix.parts):
        uvx = _uvx(python, which)
        if uvx is not None:
            line = (str(uvx), *_origin(python.source), APP_NAME)
            open_ = {name: value for name, value in python.uv_env.items() if "@" not in value}
            return Start(line, UVX, open_)
    script = _script(python)
    if script is None:
        line = (str(python.executable), *SAFELY, _MODULE)
        return Start(line, "a Python without scripts")
    return Start((str(script),), _installed_by(python))


def in_a_shell(line: Sequence[str], *, windows: bool) -> str:
    """A command as a shell takes it."""
    if windows:  # slashes: cmd, PowerShell and Git's bash all read them
        return subprocess.list2cmdline([word.replace("\\", "/") for word in line])
    return shlex.join(line)


def ends_of_program(line: Sequence[str]) -> list[int]:
    """Where, in a command, the arguments of this program begin; nowhere if it starts another.

    More than one where a word that is a value, such as `--from FOLDER`, may be the program too. To
    a program that does not start others, such as `echo`, our name is a word like any.
    """
    first = line[0] if line else ""
    if not (_PROGRAM.fullmatch(first) or _STARTS_OTHERS.fullmatch(first)):
        return []
    words = ["", *line]
    return [
        at
        for at, (before, word) in enumerate(zip(words, line, strict=False), start=1)
        if _PROGRAM.fullmatch(word) or (before, word) == ("-m", _MODULE)
    ]


def _uvx(python: Python, which: Callable[[str], str | None]) -> Path | None:
    """Beside the uv that is running, on the PATH, or where uv's installers put it."""
    beside = [python.uv.with_name(f"uvx{python.uv.suffix}")] if python.uv else []
    found = which("uvx")
    usual = [python.home / folder / "bin" / "uvx" for folder in (".local", ".cargo")]
    candidates = [*beside, *([Path(found)] if found else []), *usual]
    return next((one.absolute() for one in candidates if one.is_file()), None)


def _origin(source: str | None) -> tuple[str, ...]:
    """`--from` for `uvx`, where the package does not come from a registry."""
    if source is None:
        return ()
    said = json.loads(source)
    url = str(said.get("url", ""))
    if vcs := said.get("vcs_info"):
        commit = vcs.get("requested_revision") or vcs.get("commit_id")
        return "--from", f"{vcs.get('vcs')}+{url}@{commit}"
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "--from", url2pathname(parts.path) if sys.platform == "win32" else unquote(
            parts.path
        )
    return ("--from", url) if url else ()


def _script_folders() -> Iterator[str]:
    yield sysconfig.get_path("scripts")
    if sys.prefix == sys.base_prefix:  # `pip install --user`; a virtual environment has none
        yield sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))


def _script(python: Python) -> Path | None:
    """The program in this environment, which is where it was even after an upgrade."""
    names = (APP_NAME, f"{APP_NAME}.exe")
    folders = (python.executable.parent, *python.scripts)
    found = (folder / name for folder in folders for name in names)
    return next((one.absolute() for one in found if one.is_file()), None)


def _installed_by(python: Python) -> str:
    if (python.prefix / "pipx_metadata.json").is_file():
        return "pipx"
    if (python.prefix / "uv-receipt.toml").is_file():
        return "uv tool"
    if python.prefix != python.base_prefix:
        editable = python.source is not None and '"editable": true' in python.source
        return "an editable virtual environment" if editable else "a virtual environment"
    return "Python itself"
