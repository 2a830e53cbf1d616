"""What `scripts/package` makes: one version everywhere, and what registries ask for."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import anyio
import jsonschema
import pytest
from mcp import Client, StdioServerParameters

from elephantasm_mcp.settings import Settings, variable
from package import stamped, version
from speaking import DEADLINE_S
from uv_runs import FETCH_S, UVX, uv_environment

pytestmark = pytest.mark.timeout(FETCH_S + DEADLINE_S)


def metadata(wheel: Path) -> str:
    """What an index is told of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        return archive.read(name).decode()


def test_the_version_is_the_same_everywhere(root: Path, built: Path, wheel: Path):
    now = version()
    assert [file.name for file, text in stamped(now) if text != file.read_text("utf-8")] == []
    assert Parser().parsestr(metadata(wheel))["Version"] == now
    assert sorted(file.name for file in built.iterdir()) == [
        f"elephantasm-mcp-{now}.mcpb",
        f"elephantasm_mcp-{now}-py3-none-any.whl",
        f"elephantasm_mcp-{now}.tar.gz",
        "links.json",
        "server.json",
    ]
    assert re.search(rf"^## {re.escape(now)}\b", (root / "CHANGELOG.md").read_text("utf-8"), re.M)


def test_another_version_reaches_every_file_that_says_one():
    other = {file.name: text for file, text in stamped("9.8.7")}
    assert '"version": "9.8.7"' in other["server.json"]
    assert other["server.json"].count("9.8.7") == 2
    assert '"version": "9.8.7"' in other["manifest.json"]
    bundled = tomllib.loads(other["pyproject.toml"])["project"]
    assert (bundled["version"], bundled["dependencies"]) == ("9.8.7", ["elephantasm-mcp==9.8.7"])
    assert "image: elephantasm-mcp:9.8.7" in other["compose.yaml"]


def test_nothing_is_out_of_step(root: Path):
    done = subprocess.run(
        [sys.executable, root / "distribution" / "package.py", "--check"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_registry_takes_server_json(root: Path, built: Path):
    schema = json.loads(Path(__file__).with_name("server.schema.json").read_text("utf-8"))
    server = json.loads((built / "server.json").read_text("utf-8"))
    jsonschema.validate(server, schema)
    assert server == json.loads((root / "server.json").read_text("utf-8"))
    known = {variable(field) for field in Settings.model_fields}
    variables = {one["name"]: one for one in server["packages"][0]["environmentVariables"]}
    assert variables.keys() <= known
    assert [name for name, one in variables.items() if one.get("isSecret")] == [
        "ELEPHANTASM_API_KEY"
    ]


def test_the_package_says_by_which_name_it_is_registered(root: Path, wheel: Path):
    name = json.loads((root / "server.json").read_text("utf-8"))["name"]
    line = f"mcp-name: {name}"
    assert line in metadata(wheel)
    assert line in (root / "README.md").read_text("utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert name.endswith(f"/{project['name']}")


def test_the_wheel_has_no_tests_and_all_that_is_no_code(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"elephantasm_mcp"}
    for wanted in ("py.typed", "store/sqlite/events.sql", "embedding/models/paraL3_q8.onnx"):
        assert f"elephantasm_mcp/{wanted}" in names


async def test_uvx_runs_the_wheel_as_a_server(wheel: Path, tmp_path: Path):
    environment = uv_environment(tmp_path, ELEPHANTASM_DATABASE=str(tmp_path / "memory.sqlite3"))
    program = [str(UVX), "--from", str(wheel), "elephantasm-mcp"]
    with anyio.fail_after(FETCH_S):
        await anyio.run_process([*program, "--version"], env=environment)
    server = StdioServerParameters(command=program[0], args=program[1:], env=environment)
    with anyio.fail_after(DEADLINE_S):
        async with Client(server, mode="legacy") as client:
            assert client.server_info.version == version()
            assert len((await client.list_tools()).tools) == 11
