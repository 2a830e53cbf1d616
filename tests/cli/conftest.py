"""The command line, on a database of the test's own."""

from pathlib import Path

import pytest
from programs import Cli, Outcome

from elephantasm_mcp.cli.main import main


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that commands use, in this process and in others; no models are loaded."""
    path = tmp_path / "memory.sqlite3"
    monkeypatch.setenv("ELEPHANTASM_DATABASE", str(path))
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "none")
    monkeypatch.setenv("HOME", str(tmp_path))  # clients keep their files there
    return path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
