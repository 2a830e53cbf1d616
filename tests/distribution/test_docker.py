"""The Dockerfile and the compose file, read as Docker would, and their commands run without it."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from elephantasm_mcp.cli.main import build_parser
from elephantasm_mcp.settings import Settings, variable
from speaking import DEADLINE_S

BUILD_S = 300
PROGRAM = [sys.executable, "-m", "elephantasm_mcp"]
INSTRUCTIONS = {
    *("FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE"),
    *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
}
pytestmark = pytest.mark.timeout(BUILD_S)


@pytest.fixture(scope="module")
def stages(root: Path) -> list[list[tuple[str, str]]]:
    """The instructions of each stage, with their arguments on one line."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    found: list[list[tuple[str, str]]] = []
    for line in filter(None, lines):
        name, _, arguments = line.partition(" ")
        assert name in INSTRUCTIONS
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments))
    return found


def arguments(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [value for one, value in stage if one == name]


def variables(stage: list[tuple[str, str]]) -> dict[str, str]:
    pairs = (pair for line in arguments(stage, "ENV") for pair in shlex.split(line))
    return dict(pair.split("=", 1) for pair in pairs)


def copied(stage: list[tuple[str, str]]) -> Iterator[str]:
    for line in arguments(stage, "COPY"):
        *sources, _ = line.split()
        if not sources[0].startswith("--from"):
            yield from sources


def test_the_build_has_all_that_it_installs_and_docker_sees_it(stages, root: Path, tmp_path: Path):
    build, _ = stages
    ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    for name in copied(build):
        assert f"!{name}" in ignored
        target = tmp_path / "build" / name
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(root / name)
    (install,) = [line for line in arguments(build, "RUN") if "pip install" in line]
    assert install.endswith("--constraint constraints.txt .")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tmp_path / "build"],
        capture_output=True,
        timeout=BUILD_S,
        check=True,
    )
    assert list(tmp_path.glob("*.whl"))


def test_what_is_built_runs_as_nobody_in_particular_and_keeps_its_data_in_a_volume(stages):
    build, final = stages
    (made,) = arguments(final, "COPY")
    assert made.split() == ["--from=build", "/opt/elephantasm", "/opt/elephantasm"]
    assert "/opt/elephantasm" in arguments(build, "RUN")[0]
    (user,) = arguments(final, "USER")
    assert f" {user}" in arguments(final, "RUN")[0]
    (volume,) = arguments(final, "VOLUME")
    environment = variables(final)
    assert environment["ELEPHANTASM_DATABASE"].startswith(f"{volume}/")
    assert f"--mode=0700 {volume}" in arguments(final, "RUN")[0]
    assert arguments(final, "EXPOSE") == [environment["ELEPHANTASM_PORT"]]
    ours = {name for name in environment if name.startswith("ELEPHANTASM_")}
    assert ours <= {variable(field) for field in Settings.model_fields}
    assert not any("KEY" in name for name in environment)


def test_it_serves_once_there_is_a_key_and_says_whether_it_is_well(stages, tmp_path: Path):
    _, final = stages
    (entry,), (command,) = arguments(final, "ENTRYPOINT"), arguments(final, "CMD")
    assert json.loads(entry) == ["elephantasm-mcp"]
    serve = [*PROGRAM, *json.loads(command)]
    here = {
        **variables(final),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "ELEPHANTASM_DATABASE": str(tmp_path / "memory.sqlite3"),
        "ELEPHANTASM_PORT": "0",
        "ELEPHANTASM_ALLOWED_HOSTS": "",
    }
    refused = subprocess.run(
        serve, env=here, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert refused.returncode == 1
    assert "keys create" in refused.stderr
    subprocess.run(
        [*PROGRAM, "keys", "create", "laptop", "--user", "nadia"],
        env=here,
        capture_output=True,
        timeout=DEADLINE_S,
        check=True,
    )
    (check,) = arguments(final, "HEALTHCHECK")
    python, *code = json.loads(check.partition("CMD ")[2])
    assert python == "python"
    server = subprocess.Popen(serve, env=here, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        line = server.stderr.readline()
        while line and not line.startswith("Listening"):
            line = server.stderr.readline()
        here["ELEPHANTASM_PORT"] = line.strip().removesuffix("/mcp").rpartition(":")[2]
        well = [sys.executable, *code]
        subprocess.run(well, env=here, capture_output=True, timeout=DEADLINE_S, check=True)
    finally:
        server.kill()
        server.communicate()
    ended = subprocess.run(well, env=here, capture_output=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode != 0


def test_compose_builds_the_image_and_keeps_the_memory(stages, root: Path):
    _, final = stages
    text = (root / "compose.yaml").read_text(encoding="utf-8")
    compose = yaml.safe_load(text)
    service = compose["services"]["memory"]
    (volume,) = service["volumes"]
    name, target = volume.split(":")
    assert name in compose["volumes"]
    assert arguments(final, "VOLUME") == [target]
    (port,) = service["ports"]
    host, _, inside = port.rpartition(":")
    assert (host, inside) == ("127.0.0.1:8765", variables(final)["ELEPHANTASM_PORT"])
    known = {variable(field) for field in Settings.model_fields}
    assert service["environment"].keys() <= known
    assert service["build"] == "."


def test_the_key_is_made_by_a_command_that_there_is(root: Path):
    said = "docker compose run --rm memory "
    for name in ("compose.yaml", "README.md"):
        text = (root / name).read_text(encoding="utf-8")
        (line,) = [line.partition(said)[2] for line in text.splitlines() if said in line]
        chosen = build_parser().parse_args(shlex.split(line))
        assert (chosen.name, chosen.user) == ("laptop", "nadia")
