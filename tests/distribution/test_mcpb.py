"""The `.mcpb` bundle: what a client that opens it finds and runs."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from elephantasm_mcp.settings import Settings, variable
from nodes import FETCH_S as NPM_S
from nodes import packages, run_node
from speaking import DEADLINE_S
from uv_runs import FETCH_S, UV, uv_environment

pytestmark = pytest.mark.timeout(NPM_S + FETCH_S + DEADLINE_S)
MCPB = Path("@anthropic-ai", "mcpb", "dist", "cli", "cli.js")
MAX_BYTES = 50_000


@pytest.fixture
def bundle(built: Path) -> Path:
    """The one bundle."""
    (found,) = built.glob("*.mcpb")
    return found


def test_the_bundle_is_small_and_the_same_each_time_it_is_made(bundle: Path):
    with zipfile.ZipFile(bundle) as archive:
        assert archive.namelist() == ["manifest.json", "pyproject.toml", "src/server.py", "LICENSE"]
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert bundle.stat().st_size < MAX_BYTES


def test_the_tool_of_bundles_takes_the_manifest_and_opens_the_bundle(bundle: Path, tmp_path: Path):
    tool, opened = packages() / MCPB, tmp_path / "opened"
    for command in (["info", str(bundle)], ["unpack", str(bundle), str(opened)]):
        done = run_node(tool, *command, home=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run_node(tool, "validate", str(opened / "manifest.json"), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (opened / "src" / "server.py").is_file()


def test_the_manifest_asks_for_settings_that_there_are_and_hides_the_key(bundle: Path):
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["manifest_version"], manifest["server"]["type"]) == ("0.4", "uv")
    asked, passed_on = manifest["user_config"], manifest["server"]["mcp_config"]["env"]
    assert set(passed_on.values()) == {f"${{user_config.{name}}}" for name in asked}
    assert passed_on.keys() <= {variable(field) for field in Settings.model_fields}
    assert [name for name, one in asked.items() if one.get("sensitive")] == ["api_key"]
    assert not any(one.get("required") for one in asked.values())


def test_fields_that_were_left_empty_are_no_settings(root: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, root / "distribution" / "mcpb" / "src" / "server.py", "animas"],
        env={
            "HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path),
            "ELEPHANTASM_ANIMA_ID": "",
            "ELEPHANTASM_ENDPOINT": "${user_config.endpoint}",
            "ELEPHANTASM_API_KEY": "${user_config.api_key}",
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr.startswith("There is no anima yet; ")


async def test_uv_runs_the_bundle_as_a_server(bundle: Path, wheel: Path, tmp_path: Path):
    opened = tmp_path / "opened"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(opened)
        config = json.loads(archive.read("manifest.json"))["server"]["mcp_config"]
    environment = uv_environment(
        tmp_path,
        UV_FIND_LINKS=str(wheel.parent),
        ELEPHANTASM_DATABASE=str(tmp_path / "memory.sqlite3"),
    )
    with anyio.fail_after(FETCH_S):
        await anyio.run_process([UV, "sync"], cwd=opened, env=environment)
    server = StdioServerParameters(
        command=str(UV),
        args=[part.replace("${__dirname}", str(opened)) for part in config["args"]],
        env=environment,
    )
    with anyio.fail_after(DEADLINE_S):
        async with Client(server, mode="legacy") as client:
            assert len((await client.list_tools()).tools) == 11
