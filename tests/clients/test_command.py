"""The command that starts this program, however it was installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from elephantasm_mcp.clients.command import Python, find_command, in_a_shell, this_python


def a_python(prefix: Path, home: Path, **more: object) -> Python:
    """An environment with our program in it."""
    scripts = prefix / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "elephantasm-mcp").touch()
    given = {"base_prefix": Path("/usr"), "uv": None, "source": None, **more}
    return Python(
        scripts / "python", prefix, scripts=(scripts, home / "user" / "bin"), home=home, **given
    )


def nowhere(_: str) -> None:
    """A PATH with nothing on it."""


@pytest.mark.parametrize(
    ("mark", "by"),
    [
        ("pipx_metadata.json", "pipx"),
        ("uv-receipt.toml", "uv tool"),
        ("pyvenv.cfg", "a virtual environment"),
    ],
)
def test_an_environment_that_stays_has_the_program(tmp_path: Path, mark: str, by: str):
    python = a_python(tmp_path / "env", tmp_path)
    (tmp_path / "env" / mark).touch()
    found = find_command(python, which=nowhere)
    assert found.line == (str(tmp_path / "env" / "bin" / "elephantasm-mcp"),)
    assert found.installed_by == by
    assert found.line_of_hooks == found.line


def test_an_editable_environment_is_told_apart(tmp_path: Path):
    source = json.dumps({"url": f"file://{tmp_path}", "dir_info": {"editable": True}})
    found = find_command(a_python(tmp_path / "env", tmp_path, source=source), which=nowhere)
    assert found.installed_by == "an editable virtual environment"


def test_a_python_of_the_system_is_told_apart(tmp_path: Path):
    python = a_python(tmp_path, tmp_path, base_prefix=tmp_path)
    assert find_command(python, which=nowhere).installed_by == "Python itself"


def test_without_a_script_python_runs_the_module(tmp_path: Path):
    python = a_python(tmp_path, tmp_path)
    (tmp_path / "bin" / "elephantasm-mcp").unlink()
    found = find_command(python, which=nowhere)
    assert found.line == (str(tmp_path / "bin" / "python"), "-P", "-m", "elephantasm_mcp")


def test_a_module_is_run_without_the_files_of_the_folder_at_hand(tmp_path: Path):
    (tmp_path / "argparse.py").write_text("raise SystemExit(9)")
    python = a_python(tmp_path, tmp_path)
    (tmp_path / "bin" / "elephantasm-mcp").unlink()
    line = [sys.executable, *find_command(python, which=nowhere).line[1:], "--version"]
    assert subprocess.run(line, cwd=tmp_path, check=False, timeout=60).returncode == 0


def test_a_program_that_was_installed_for_the_user_alone_is_found(tmp_path: Path):
    python = a_python(tmp_path, tmp_path, base_prefix=tmp_path)
    (tmp_path / "bin" / "elephantasm-mcp").unlink()
    own = tmp_path / "user" / "bin" / "elephantasm-mcp"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_command(python, which=nowhere).line == (str(own),)


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """An environment that `uvx` made, in uv's cache."""
    return tmp_path / "cache" / "uv" / "archive-v0" / "eWOAGF4ZqrwKxCtZ"


@pytest.fixture
def uvx(tmp_path: Path) -> Path:
    path = tmp_path / "tools" / "uvx"
    path.parent.mkdir()
    path.touch()
    return path


def test_uvx_is_found_beside_the_uv_that_runs(tmp_path: Path, cached: Path, uvx: Path):
    python = a_python(cached, tmp_path, uv=uvx.with_name("uv"))
    found = find_command(python, which=nowhere)
    assert (found.line, found.installed_by) == ((str(uvx), "elephantasm-mcp"), "uvx")
    assert found.line_of_hooks == (str(uvx), "--offline", "elephantasm-mcp")


def test_uvx_is_found_on_the_path(tmp_path: Path, cached: Path, uvx: Path):
    found = find_command(a_python(cached, tmp_path), which=lambda _: str(uvx))
    assert found.line[0] == str(uvx)


def test_uvx_is_found_where_its_installer_puts_it(tmp_path: Path, cached: Path):
    usual = tmp_path / ".local" / "bin" / "uvx"
    usual.parent.mkdir(parents=True)
    usual.touch()
    assert find_command(a_python(cached, tmp_path), which=nowhere).line[0] == str(usual)


def test_uvx_is_told_how_to_reach_its_registry_but_no_password(
    tmp_path: Path, cached: Path, uvx: Path
):
    said = {"SSL_CERT_FILE": "/c.pem", "UV_INDEX_URL": "https://me:secret@example.org/simple"}
    found = find_command(a_python(cached, tmp_path, uv_env=said), which=lambda _: str(uvx))
    assert found.env == {"SSL_CERT_FILE": "/c.pem"}
    assert find_command(a_python(tmp_path, tmp_path, uv_env=said), which=nowhere).env == {}


def test_without_uvx_the_environment_in_its_cache_has_to_do(tmp_path: Path, cached: Path):
    found = find_command(a_python(cached, tmp_path), which=nowhere)
    assert found.line == (str(cached / "bin" / "elephantasm-mcp"),)


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ({"url": "file:///work/my%20app", "dir_info": {}}, "/work/my app"),
        ({"url": "file:///work/x.whl", "archive_info": {}}, "/work/x.whl"),
        ({"url": "https://example.org/x.whl"}, "https://example.org/x.whl"),
        (
            {"url": "https://example.org/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "git+https://example.org/r@abc",
        ),
    ],
)
def test_uvx_takes_what_it_took(
    tmp_path: Path, cached: Path, uvx: Path, source: dict[str, object], origin: str
):
    python = a_python(cached, tmp_path, source=json.dumps(source))
    found = find_command(python, which=lambda _: str(uvx))
    assert found.line == (str(uvx), "--from", origin, "elephantasm-mcp")


def test_this_program_finds_itself():
    found = find_command(this_python())
    assert Path(found.line[0]).is_absolute()
    assert os.access(found.line[0], os.X_OK)


def test_a_command_for_a_shell_is_quoted():
    line = ["/opt/my tools/elephantasm-mcp", "hook", "Stop"]
    assert in_a_shell(line, windows=False) == "'/opt/my tools/elephantasm-mcp' hook Stop"
    line[0] = "C:\\My Tools\\elephantasm-mcp.exe"
    assert in_a_shell(line, windows=True) == '"C:/My Tools/elephantasm-mcp.exe" hook Stop'
