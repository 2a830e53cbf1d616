"""Fixtures of the tests that run other projects' programs against the server."""

import subprocess
import sys
from pathlib import Path

import pytest

from nodes import packages
from speaking import environment

PROGRAM = [sys.executable, "-m", "elephantasm_mcp"]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the pinned packages of npm are."""
    return packages()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A memory in which somebody said something, so that there is a resource to list and read."""
    path = tmp_path / "memory.sqlite3"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "elephantasm_mcp",
            "extract",
            "I am allergic to hazelnuts.",
            "--author",
            "Nadia",
        ],
        env=environment(path),
        capture_output=True,
        timeout=60,
        check=True,
    )
    return path
