"""The program and its settings: versions, drivers, where each value comes from.

Owns what is said of them. Invariant: no secret is shown.
"""

import importlib.util
import platform
import re
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from elephantasm_mcp.app import token_issuer
from elephantasm_mcp.cli.checkup.findings import Checkup, SettingRow
from elephantasm_mcp.http.hosts import is_loopback
from elephantasm_mcp.settings import Settings, origin, variable

SECRET_FIELDS: Final = frozenset({"api_key", "anthropic_api_key", "openai_api_key"})
PACKAGES: Final = ("elephantasm-mcp", "mcp", "apsw", "sqlite-vec", "onnxruntime", "numpy")
_PASSWORD: Final = re.compile(r"(?<=://)([^/@\s]*:)[^/@\s]*(?=@)")


def versions() -> Iterator[tuple[str, str]]:
    """What runs here, and with which libraries."""
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"
    yield "sqlite3 of Python", sqlite3.sqlite_version
    yield "driver", "apsw" if importlib.util.find_spec("apsw") else "sqlite3 of Python"


def examine_settings(
    found: Checkup, settings: Settings, *, env_file: Path | None, given: dict[str, str | None]
) -> None:
    """Say what holds, and where it was said."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        source = "command line" if given.get(name) else origin(name, env_file=env_file)
        found.settings.append(SettingRow(variable(name), _masked(name, value), source))
    with found.noting("settings"):
        issuer = token_issuer(settings)
        found.issuer = issuer.name if issuer is not None else ""


def examine_access(found: Checkup, settings: Settings) -> None:
    """Say whether others may come in who have no key; after the database was looked at."""
    if not (is_loopback(settings.host) or found.issuer or found.keys_made):
        found.wrong(
            "access",
            f"{variable('host')} is {settings.host}, which other machines reach, but there is "
            "no API key: `serve --transport http` will refuse to start.",
            "Run `elephantasm-mcp keys create NAME`.",
        )


def _masked(name: str, value: object) -> str:
    if value is None or value == "":
        return "-"
    return "********" if name in SECRET_FIELDS else _PASSWORD.sub(r"\1********", str(value))
