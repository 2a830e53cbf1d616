"""Git: the remote of a repository, read from its files, and what it is called.

Owns the few forms of `.git` (gitrepository-layout: a folder, a worktree's or submodule's file with
`gitdir:`, `commondir`), of `config` (git-config: sections, quotes, comments) and of addresses
(git-clone: URLs, `user@host:path`). Does not run git. Invariant: neither user, password, token nor
query of an address is in a name; two addresses have one name only when they lead to the same path
of the same host.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from elephantasm_mcp.projects.reading import read_small

_MAX_CONFIG_BYTES: Final = 1 << 20
_MAX_POINTER_BYTES: Final = 1 << 13
_MAX_NAME_CHARS: Final = 200
_PREFERRED: Final = ("origin", "upstream")
_NETWORK: Final = {"ssh", "git", "http", "https", "git+ssh", "ssh+git", "ftp", "ftps"}
_ALIASES: Final = {
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Hosts by which one reaches another through a firewall."""
_SECTION: Final = re.compile(r'\s*\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_SCP: Final = re.compile(r"(?:[^@/\s]*@)?(\[[^\]/]+\]|[^:/\s\[\]]{2,}):(?!//)(.+)")
"""`host:path`, unless a slash comes first. A host of one letter is a drive."""
_ESCAPED: Final = re.compile(r"\\(.)")
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|\\(.)|([^"\\#;]+)|([#;].*)')


def shared_folder(root: Path) -> Path | None:
    """Where the repository checked out in `root` keeps what all its worktrees share.

    Only `.git` counts: a folder that merely looks like a bare repository may be part of somebody
    else's.
    """
    dot = root / ".git"
    try:
        own = dot if dot.is_dir() else _pointed_to(dot, word="gitdir:")
        if own is None or not (own / "HEAD").is_file() or not _is_of_this_user(dot):
            return None
        common = _pointed_to(own / "commondir", word="")
        return (common or own).resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def remote_of(shared: Path) -> str | None:
    """The address of the remote that says whose repository this is: `origin`, else the first."""
    data = read_small(shared / "config", max_bytes=_MAX_CONFIG_BYTES)
    found: dict[str, str] = {}
    for name, url in _remotes(data.decode("utf-8", "replace") if data else ""):
        found.setdefault(name, url)
    for name in (*_PREFERRED, *found):
        if found.get(name):
            return found[name]
    return None


def name_of(url: str) -> str | None:
    """What the repository at an address is called: `acme/app` on GitHub, else with its host.

    None for a path of this machine, and for what is no address.
    """
    parts = _host_and_path(url.strip())
    if parts is None:
        return None
    host, path = parts
    host = _ALIASES.get(host := host.casefold().rstrip("."), host)
    segments = _segments(path)
    if not host or not segments:
        return None
    if host == "github.com" and len(segments) == 2:
        name = "/".join(segments)
    elif "." in host or ":" in host:
        name = "/".join((host, *segments))
    else:  # an alias of ssh, or a machine nearby: never to be taken for an owner on GitHub
        name = f"git:{'/'.join((host, *segments))}"
    return name if name.isprintable() and len(name) <= _MAX_NAME_CHARS else None


def path_of(url: str, *, base: Path) -> Path | None:
    """The folder of this machine that an address names; None when it names none."""
    url = url.strip()
    if url.startswith("file://"):
        url = unquote(urlsplit(url).path)
    elif "://" in url or _SCP.fullmatch(url) or "\0" in url or not url:
        return None
    try:
        return (base / url).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _pointed_to(file: Path, *, word: str) -> Path | None:
    """The folder that a file names, relative to its own."""
    data = read_small(file, max_bytes=_MAX_POINTER_BYTES)
    text = data.decode("utf-8", "replace").strip() if data else ""
    if not text.startswith(word) or not (place := text.removeprefix(word).strip()):
        return None
    return file.parent / place


def _is_of_this_user(dot: Path) -> bool:
    """Whether it is the user's, as git asks (safe.directory): in a shared folder others may."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return user == 0 or dot.lstat().st_uid == user


def _remotes(config: str) -> Iterator[tuple[str, str]]:
    """The name and address of each remote, in order."""
    remote: str | None = None
    for line in config.replace("\r\n", "\n").replace("\\\n", "").split("\n"):
        section = _SECTION.match(line)
        if section:
            of_remote = section[1].casefold() == "remote" and section[2] is not None
            remote = _ESCAPED.sub(r"\1", section[2]) if of_remote else None
            line = line[section.end() :]
        key, equals, value = line.partition("=")
        if remote is not None and equals and key.strip().casefold() == "url":
            yield remote, _plain(value)


def _plain(value: str) -> str:
    """A value without quotes, escapes and comment."""
    made = ""
    for quoted, escaped, bare, comment in _VALUE.findall(value):
        if comment:
            break
        made += _ESCAPED.sub(r"\1", quoted) + escaped + bare
    return made.strip()


def _host_and_path(url: str) -> tuple[str, str] | None:
    if "://" in url:
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme.casefold() not in _NETWORK or not host:
            return None
        return unquote(host), unquote(parts.path)
    found = _SCP.fullmatch(url)
    return (found[1].strip("[]"), found[2]) if found else None


def _segments(path: str) -> list[str]:
    """The parts of a path, in one spelling; none when one of them leads elsewhere."""
    path = unicodedata.normalize("NFC", path.split("?", 1)[0].split("#", 1)[0]).casefold()
    path = path.strip("/").removesuffix(".git").rstrip("/")
    segments = [" ".join(part.split()) for part in path.split("/") if part]
    led_away = any(part in {"", ".", ".."} for part in segments)
    return [] if led_away else segments
