"""Hooks in clients' files: ours come and go, others stay."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonc import documents

from elephantasm_mcp.clients.hooks import TABLE, calls, put, take_out
from elephantasm_mcp.clients.json_text import read
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.hooks.clients import BY_NAME

CLAUDE, GEMINI = TABLE["claude-code"], TABLE["gemini-cli"]
THEIRS = {"matcher": "startup", "hooks": [{"type": "command", "command": "theirs.sh"}]}


def command_of(event: str) -> str:
    return f"/opt/elephantasm-mcp hook {event}"


def other_command_of(event: str) -> str:
    return f"/new/elephantasm-mcp hook {event} --database x"


def hooks_in(text: str) -> dict[str, list[object]]:
    return read(text).value["hooks"]


@pytest.mark.parametrize("name", TABLE)
def test_each_event_calls_its_command_once(name: str):
    made = put(put("", TABLE[name], command_of), TABLE[name], command_of)
    for event in TABLE[name].events:
        assert json.dumps(hooks_in(made)[event]).count(f"hook {event}") == 1
    assert calls(made, TABLE[name]) == {one: [command_of(one)] for one in TABLE[name].events}


@given(text=documents("hooks").filter(lambda text: read(text).value["hooks"] == {}))
def test_what_was_put_in_is_taken_out_to_the_byte(text: str):
    assert take_out(put(text, GEMINI, command_of), GEMINI) == text


@given(
    events=st.dictionaries(
        st.sampled_from((*CLAUDE.events, "PostToolUse")),
        st.lists(st.just(THEIRS), min_size=1, max_size=2),
    )
)
def test_hooks_of_others_stay_in_their_order(events: dict[str, list[object]]):
    text = json.dumps({"hooks": events, "model": "x"}, indent=2)
    made = put(text, CLAUDE, command_of)
    for event, items in events.items():
        assert hooks_in(made)[event][: len(items)] == items
    assert take_out(made, CLAUDE) == text


def test_an_older_command_of_ours_is_replaced():
    made = put(put("{}", CLAUDE, command_of), CLAUDE, other_command_of)
    assert made == put("{}", CLAUDE, other_command_of)


def test_of_a_group_that_is_shared_only_ours_goes():
    ours = {"type": "command", "command": "/opt/elephantasm-mcp hook Stop"}
    shared = {"hooks": [*THEIRS["hooks"], ours]}
    text = json.dumps({"hooks": {"Stop": [shared]}})
    assert hooks_in(take_out(text, CLAUDE)) == {"Stop": [{"hooks": THEIRS["hooks"]}]}


@pytest.mark.parametrize(
    "command",
    [
        "/home/me/code/elephantasm/tools/lint hook post-turn",
        "/home/me/elephantasm-mcp/tools/lint hook Stop",
        "echo elephantasm-mcp is my hook of choice",
        "echo elephantasm-mcp hook Stop",
        "grep -c -m elephantasm_mcp hook Stop",
        "elephantasm-mcp hook",
        "elephantasm-mcp 'hook Stop",
    ],
)
def test_a_command_that_only_sounds_like_ours_stays(command: str):
    text = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}})
    assert calls(text, CLAUDE) == {}
    assert take_out(text, CLAUDE) == text


@pytest.mark.parametrize(
    "start",
    [
        "elephantasm-mcp",
        "'/home/a b/bin/elephantasm-mcp'",
        '"C:/Program Files/elephantasm-mcp.exe"',
        "uvx --offline elephantasm-mcp",
        "uvx --from /src/elephantasm-mcp elephantasm-mcp",
        "uvx elephantasm-mcp@0.1.0",
        "/usr/bin/python3 -m elephantasm_mcp",
        "'C:/Python 3/python.exe' -P -m elephantasm_mcp",
        "ELEPHANTASM_LOG=info timeout 2 elephantasm-mcp",
    ],
)
def test_ours_is_known_however_it_was_installed(start: str):
    hook = {"type": "command", "command": f"{start} hook Stop --anima x"}
    text = json.dumps({"hooks": {"Stop": [{"hooks": [hook]}]}})
    assert hooks_in(put(text, CLAUDE, command_of))["Stop"] == [CLAUDE.item(command_of("Stop"))]


def test_cursors_file_says_its_version():
    made = put("", TABLE["cursor"], command_of)
    assert read(made).value["version"] == 1


@pytest.mark.parametrize("text", ["[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', "{"])
def test_something_else_where_hooks_would_stand_is_refused(text: str):
    with pytest.raises(ValidationError):
        put(text, CLAUDE, command_of)


@pytest.mark.parametrize("name", TABLE)
def test_each_event_is_one_that_the_command_knows(name: str):
    assert set(TABLE[name].events) <= set(BY_NAME[name].events)
