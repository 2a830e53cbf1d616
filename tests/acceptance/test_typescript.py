"""The TypeScript example, against the real server, where there is a Node that can run it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from speaking import DEADLINE_S, http_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "typescript" / "memory.ts"
STRIPS_TYPES = (22, 6)


def node() -> str | None:
    """The Node of the PATH, if it reads TypeScript."""
    program = shutil.which("node")
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = tuple(int(part) for part in said.stdout.strip("v\n").split(".")[:2])
    return program if version >= STRIPS_TYPES else None


def test_the_example_records_and_recalls(tmp_path: Path) -> None:
    program = node()
    if program is None:
        pytest.skip("needs Node 22.6 or later")
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        ended = subprocess.run(
            [program, "--no-warnings", "--experimental-strip-types", str(EXAMPLE)],
            env={"ELEPHANTASM_ENDPOINT": url},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "e1  I am allergic to hazelnuts." in ended.stdout
    assert "Nadia, " in ended.stdout
    assert "404 not_found: There is no anima 'nobody'." in ended.stdout
