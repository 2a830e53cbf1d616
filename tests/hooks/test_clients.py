"""Clients: what each sends, what it is answered, and what is kept of it."""

import json

import pytest
from calling import PROGRAM, call_hook, texts
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.hooks.clients import CLIENTS, Moment, read_call
from elephantasm_mcp.hooks.opening import OPENING, PROMPTS_ALONE

START = {
    "claude-code": ("SessionStart", {"session_id": "s", "source": "startup"}),
    "codex": ("SessionStart", {"session_id": "s", "turn_id": "t", "source": "startup"}),
    "gemini-cli": ("SessionStart", {"session_id": "s", "timestamp": "2026-03-02T09:00:00Z"}),
    "cursor": ("sessionStart", {"conversation_id": "s", "cursor_version": "3.7.21"}),
    "vscode": ("SessionStart", {"sessionId": "s", "hookEventName": "SessionStart"}),
}
"""What clients send at the start of a session, beside where they are."""
PROMPT = {
    "codex": ("UserPromptSubmit", {"session_id": "s", "turn_id": "t1", "prompt": "PROMPT"}),
    "gemini-cli": ("BeforeAgent", {"session_id": "s", "timestamp": "T1", "prompt": "PROMPT"}),
    "cursor": (
        "beforeSubmitPrompt",
        {"conversation_id": "s", "generation_id": "g1", "prompt": "PROMPT", "attachments": []},
    ),
    "vscode": ("UserPromptSubmit", {"sessionId": "s", "timestamp": "T1", "prompt": "PROMPT"}),
    "windsurf": (
        "pre_user_prompt",
        {"trajectory_id": "s", "execution_id": "e1", "tool_info": {"user_prompt": "PROMPT"}},
    ),
    "goose": ("UserPromptSubmit", {"session_id": "s", "message": "PROMPT"}),
}
REPLY = {
    "codex": ("Stop", {"session_id": "s", "turn_id": "t1", "last_assistant_message": "REPLY"}),
    "gemini-cli": (
        "AfterAgent",
        {"session_id": "s", "timestamp": "T2", "prompt_response": "REPLY"},
    ),
    "cursor": (
        "afterAgentResponse",
        {"conversation_id": "s", "generation_id": "g1", "text": "REPLY"},
    ),
    "windsurf": (
        "post_cascade_response",
        {"trajectory_id": "s", "execution_id": "e1", "tool_info": {"response": "REPLY"}},
    ),
    "goose": ("Stop", {"session_id": "s", "last_assistant_message": "REPLY"}),
}


def sent(event: str, fields: dict, folder) -> dict:
    """What a client sends, with all the ways to say where it is."""
    where = {"cwd": str(folder), "workspace_roots": [str(folder)], "working_dir": str(folder)}
    return {"hook_event_name": event, **where, **fields}


@pytest.mark.parametrize("client", PROMPT)
def test_a_client_without_a_transcript_that_we_read_hands_in_its_messages(client, shop, stored):
    event, fields = PROMPT[client]
    for _ in range(2 if client != "goose" else 1):  # goose says nothing that tells turns apart
        call_hook(event, sent(event, fields, shop), "--client", client)
    expected = ["PROMPT"]
    if client in REPLY:
        event, fields = REPLY[client]
        call_hook(event, sent(event, fields, shop), "--client", client)
        expected.append("REPLY")
    found = stored()
    assert texts(found) == expected
    assert {one.session_id for one in found} == {"s"}
    assert {one.meta["client"] for one in found} == {client}


@pytest.mark.parametrize("client", START)
def test_each_client_is_told_at_the_start_as_it_wants_to_be(client, session, shop):
    session("first").turn("The staging server is called heron.", "Good to know.")
    event, fields = START[client]
    printed = call_hook(event, sent(event, fields, shop), "--client", client)
    if client == "claude-code":
        context = printed
    elif client == "cursor":
        context = json.loads(printed)["additional_context"]
    else:
        output = json.loads(printed)["hookSpecificOutput"]
        assert output["hookEventName"] == event
        context = output["additionalContext"]
    assert "heron" in context
    assert len(context) < 10_000


@pytest.mark.parametrize("client", ["codex", "gemini-cli"])
def test_clients_that_take_context_with_a_prompt_get_what_it_recalls(client, session, shop):
    session("first").turn("The staging server is called heron.", "Good to know.")
    event, fields = PROMPT[client]
    asked = sent(event, fields, shop) | {"prompt": "What is the staging server called?"}
    printed = json.loads(call_hook(event, asked, "--client", client))
    assert printed["hookSpecificOutput"]["hookEventName"] == event
    assert "heron" in printed["hookSpecificOutput"]["additionalContext"]


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        ("claude-code", START),
        ("codex", START),
        ("cursor", START),
        ("vscode", START),
        ("gemini-cli", PROMPT),
        ("goose", REPLY),
        ("windsurf", REPLY),
    ],
)
def test_a_client_is_known_by_what_it_sends(client, kind):
    event, fields = kind[client]
    marks = {"goose": {"event": event}, "windsurf": {"agent_action_name": event}}
    payload = fields | marks.get(client, {"hook_event_name": event})
    if client == "vscode":
        del payload["hook_event_name"]
    call = read_call(payload, event=None, client=None)
    assert (call.client.name, call.event) == (client, event)


@pytest.mark.parametrize(
    ("client", "opening"), [("claude-code", OPENING), ("codex", OPENING), ("vscode", PROMPTS_ALONE)]
)
def test_a_session_is_told_what_its_hooks_record(client, opening, shop):
    event, fields = START[client]
    assert opening in call_hook(event, sent(event, fields, shop), "--client", client)


def test_what_a_client_does_not_take_is_not_printed_to_it(session, shop):
    session("first").turn("The staging server is called heron.", "Good to know.")
    for client in ("windsurf", "goose", "cursor", "vscode"):
        event, fields = PROMPT[client]
        assert call_hook(event, sent(event, fields, shop), "--client", client) == ""


def test_a_prompt_of_many_megabytes_is_taken_down_shortened(shop, stored):
    event, fields = PROMPT["goose"]
    long = "Look at this log. " + "It rains in Porto.\n" * 500_000 + "That was it."
    payload = sent(event, fields, shop) | {"message": long}
    call_hook(event, payload, "--client", "goose", command=PROGRAM)
    (found,) = texts(stored())
    assert len(found) < 20_000
    assert found.startswith("Look at this log.")
    assert found.endswith("That was it.")


def test_without_the_name_of_a_session_nothing_goes_to_the_project_of_another_call(
    shop, stored, tmp_path
):
    event, fields = PROMPT["goose"]
    unnamed = {name: one for name, one in fields.items() if name != "session_id"}
    (tmp_path / "other").mkdir()
    for folder, said in ((tmp_path / "other", "Theirs."), (shop, "Ours.")):
        call_hook(event, sent(event, unnamed, folder) | {"message": said}, "--client", "goose")
    assert texts(stored()) == ["Ours."]


def test_without_a_session_and_a_folder_a_call_belongs_to_where_it_was_made(
    shop, stored, tmp_path, monkeypatch
):
    (tmp_path / "other").mkdir()
    for folder, said in ((tmp_path / "other", "Theirs."), (shop, "Ours.")):
        monkeypatch.chdir(folder)
        call_hook("UserPromptSubmit", {"message": said}, "--client", "goose")
    assert texts(stored()) == ["Ours."]


def test_an_event_that_is_of_no_use_is_no_error(shop):
    assert call_hook("Notification", {"cwd": str(shop)}, command=PROGRAM) == ""
    assert call_hook("NoSuchEvent", {"cwd": str(shop)}, "--client", "nobody", "--what") == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
FIELDS = sorted(
    {path.split(".")[0] for one in CLIENTS for path in (*one.session, *one.folder, *one.prompt)}
    | {"hook_event_name", "transcript_path", "tool_info", "event"}
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.none() | st.text(max_size=9))
def test_whatever_a_client_sends_is_read(payload, event):
    call = read_call(payload, event=event, client=None)
    assert call.moment is None or call.moment in Moment
    assert call.output("") == ""
