"""Installing: entry and hooks in the files of each client, on each system."""

from pathlib import Path

import pytest

from elephantasm_mcp.clients import hooks
from elephantasm_mcp.clients.installing import (
    Edit,
    carry_out,
    entry_in,
    plan_removal,
    plan_server,
    server_file,
    with_hooks,
    without_hooks,
)
from elephantasm_mcp.clients.machine import Machine, System
from elephantasm_mcp.clients.table import BY_NAME, Client, Entry
from elephantasm_mcp.errors import ValidationError

ENTRY = Entry("/opt/elephantasm-mcp", ("--env-file", "/x"), {"ELEPHANTASM_ANIMA_ID": "project"})
SYSTEMS: tuple[System, ...] = ("linux", "macos", "windows")


def install(client: Client, machine: Machine, entry: Entry = ENTRY) -> list[Edit]:
    edit = plan_server(client, client.file(machine), entry)
    edits = with_hooks(edit, client, machine, line=[entry.command], options=["--anima", "a b"])
    return [carry_out(one) for one in edits]


def uninstall(client: Client, machine: Machine) -> list[Edit]:
    edits = without_hooks(plan_removal(client, client.file(machine)), client, machine)
    return [carry_out(one) for one in edits]


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_written_is_read_and_written_only_once(name: str, system: System, tmp_path: Path):
    client, machine = BY_NAME[name], Machine(system, tmp_path, {})
    assert {one.state for one in install(client, machine)} == {"written"}
    assert entry_in(client, client.file(machine)) == ENTRY
    before = files(tmp_path)
    assert {one.state for one in install(client, machine)} == {"already"}
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_taken_out_is_taken_out_only_once(name: str, machine: Machine, tmp_path: Path):
    client = BY_NAME[name]
    install(client, machine)
    assert {one.state for one in uninstall(client, machine)} == {"removed"}
    assert entry_in(client, client.file(machine)) is None
    before = files(tmp_path)
    assert {one.state for one in uninstall(client, machine)} == {"absent"}
    assert files(tmp_path) == before


JSON = ("{}", "{}\n", '{"a": 1}', '{\n  "a": {\n    "b": 2\n  }\n}\n', '{"SECTION": {}, "a": 1}')
BEFORE = {
    "json": (*JSON, '{\n  "SECTION": {}\n}\n'),
    "jsonc": (*JSON, '{\n  // mine\n  "SECTION": {},\n}\n'),
    "toml": ("", 'model = "x"\n', "[mcp_servers.other]\na = 1\n"),
    "yaml": ("", "a: 1\n", "extensions: {}\n", "extensions:\n  other:\n    a: 1\n"),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_taken_out_leaves_the_servers_file_as_it_was(name: str, machine: Machine):
    client = BY_NAME[name]
    check_round_trips(client, machine, client.file(machine), client.format, client.section)


@pytest.mark.parametrize("name", hooks.TABLE)
def test_what_is_taken_out_leaves_the_hooks_file_as_it_was(name: str, machine: Machine):
    path = hooks.TABLE[name].file(machine)
    check_round_trips(BY_NAME[name], machine, path, "json", hooks.SECTION)


def check_round_trips(
    client: Client, machine: Machine, path: Path, kind: str, section: str
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for before in BEFORE[kind]:
        text = before.replace("SECTION", section)
        path.write_text(text)
        install(client, machine)
        assert path.read_text() != text
        uninstall(client, machine)
        assert path.read_text() == text


def test_a_section_that_stood_there_before_and_one_with_a_comment_stay(machine: Machine):
    client, path = BY_NAME["claude-code"], hooks.TABLE["claude-code"].file(machine)
    path.parent.mkdir()
    path.write_text('{"hooks": {}}')
    install(client, machine)
    uninstall(client, machine)
    assert path.read_text() == '{"hooks": {}}'
    cursor = BY_NAME["cursor"]
    install(cursor, machine)
    path = cursor.file(machine)
    path.write_text(path.read_text().replace('"mcpServers": {', '"mcpServers": { // mine'))
    uninstall(cursor, machine)
    assert "// mine" in path.read_text()


def test_a_file_that_was_made_for_ours_is_left_with_nothing_in_it(machine: Machine):
    install(BY_NAME["claude-code"], machine)
    uninstall(BY_NAME["claude-code"], machine)
    for path in (machine.home / ".claude.json", machine.home / ".claude" / "settings.json"):
        assert path.read_text() == "{}\n"


@pytest.mark.parametrize("name", hooks.TABLE)
def test_a_client_that_has_hooks_calls_ours_by_its_own_name(
    name: str, machine: Machine, tmp_path: Path
):
    install(BY_NAME[name], machine)
    said = hooks.TABLE[name].file(machine).read_text()
    named = "" if name == "claude-code" else f" --client {name}"
    for event in hooks.TABLE[name].events:
        assert f"/opt/elephantasm-mcp hook {event}{named} --anima 'a b'\"" in said
    assert said.startswith("{")
    assert tmp_path in hooks.TABLE[name].file(machine).parents


def test_nothing_is_written_where_one_of_two_files_is_broken(machine: Machine, tmp_path: Path):
    broken = tmp_path / ".claude" / "settings.json"
    broken.parent.mkdir()
    broken.write_text("{")
    with pytest.raises(ValidationError, match=str(broken)):
        install(BY_NAME["claude-code"], machine)
    assert files(tmp_path) == {broken: b"{"}


@pytest.mark.parametrize(
    ("text", "named"), [('{"mcpServers": []}', "'mcpServers'"), ("[]", "settings")]
)
def test_what_stands_in_the_way_is_named(text: str, named: str, machine: Machine):
    path = BY_NAME["cursor"].file(machine)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValidationError, match=f"something else where {named} would stand"):
        install(BY_NAME["cursor"], machine)


def test_a_project_has_a_file_of_its_own_where_its_client_knows_one(
    machine: Machine, tmp_path: Path
):
    project = tmp_path / "app"
    assert server_file(BY_NAME["vscode"], machine, project=project) == project / ".vscode/mcp.json"
    with pytest.raises(ValidationError, match="goose has no file"):
        server_file(BY_NAME["goose"], machine, project=project)
