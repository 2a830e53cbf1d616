"""Clients: how each of them calls a hook, and what it takes from its output.

Owns the one table. What it says was read in these documents, in November 2026: "Hooks reference" of
Claude Code; "Hooks" of Cursor; "Hooks reference" of Gemini CLI; "Hooks" of Codex and the JSON
schemas in its source; "Agent hooks" and "Hooks reference" of VS Code; "Cascade Hooks" of Windsurf;
"Hooks" of goose. Invariant: a name or a field that a client does not document is not relied on, and
a missing one is no error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

Payload = Mapping[str, Any]


class Moment(StrEnum):
    """When a hook is called."""

    START = "start"
    """A session begins, or goes on after its context was compacted."""
    PROMPT = "prompt"
    REPLY = "reply"
    """The agent has answered; here the transcript, or the answer itself, is taken down."""


class Output(StrEnum):
    """How a client is told what the model should know."""

    NOTHING = "nothing"
    TEXT = "text"
    SPECIFIC = "specific"
    """`hookSpecificOutput.additionalContext`, as JSON."""
    ADDITIONAL = "additional"
    """`additional_context`, as JSON."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client. Fields are paths into what it sends; the first that is there counts."""

    name: str
    events: Mapping[str, Moment]
    says: Mapping[Moment, Output]
    session: tuple[str, ...] = ("session_id",)
    folder: tuple[str, ...] = ("cwd",)
    prompt: tuple[str, ...] = ("prompt",)
    reply: tuple[str, ...] = ("last_assistant_message",)
    turn: tuple[str, ...] = ()
    """What tells two equal messages of a session apart."""
    has_transcript: bool = False
    """Whether it keeps a transcript in a form that we read; then nothing else is taken down."""


_BOTH: Final = MappingProxyType({Moment.START: Output.SPECIFIC, Moment.PROMPT: Output.SPECIFIC})
_NONE: Final[Mapping[Moment, Output]] = MappingProxyType({})

CLAUDE_CODE: Final = Client(
    name="claude-code",
    events={
        "SessionStart": Moment.START,
        "UserPromptSubmit": Moment.PROMPT,
        "Stop": Moment.REPLY,
        "PreCompact": Moment.REPLY,
        "SessionEnd": Moment.REPLY,
    },
    says={Moment.START: Output.TEXT, Moment.PROMPT: Output.TEXT},
    has_transcript=True,
)
CLIENTS: Final = (
    CLAUDE_CODE,
    Client(
        name="codex",
        events={
            "SessionStart": Moment.START,
            "UserPromptSubmit": Moment.PROMPT,
            "Stop": Moment.REPLY,
        },
        says=_BOTH,
        turn=("turn_id",),
    ),
    Client(
        name="gemini-cli",
        events={
            "SessionStart": Moment.START,
            "BeforeAgent": Moment.PROMPT,
            "AfterAgent": Moment.REPLY,
        },
        says=_BOTH,
        reply=("prompt_response",),
        turn=("timestamp",),
    ),
    Client(
        name="cursor",
        events={
            "sessionStart": Moment.START,
            "beforeSubmitPrompt": Moment.PROMPT,
            "afterAgentResponse": Moment.REPLY,
        },
        says={Moment.START: Output.ADDITIONAL},
        session=("conversation_id", "session_id"),
        folder=("workspace_roots.0", "cwd"),
        reply=("text",),
        turn=("generation_id",),
    ),
    Client(
        name="vscode",
        events={"SessionStart": Moment.START, "UserPromptSubmit": Moment.PROMPT},
        says={Moment.START: Output.SPECIFIC},
        session=("sessionId", "session_id"),
        turn=("timestamp",),
    ),
    Client(
        name="windsurf",
        events={"pre_user_prompt": Moment.PROMPT, "post_cascade_response": Moment.REPLY},
        says=_NONE,
        session=("trajectory_id",),
        prompt=("tool_info.user_prompt",),
        reply=("tool_info.response",),
        turn=("execution_id", "timestamp"),
    ),
    Client(
        name="goose",
        events={"UserPromptSubmit": Moment.PROMPT, "Stop": Moment.REPLY},
        says=_NONE,
        folder=("working_dir",),
        prompt=("message",),
    ),
)
BY_NAME: Final = MappingProxyType({one.name: one for one in CLIENTS})
_NAME_CHARS: Final = 24
_EVENT_FIELDS: Final = ("hook_event_name", "hookEventName", "event", "agent_action_name")
_SIGNS: Final = (
    ("cursor_version", "cursor"),
    ("agent_action_name", "windsurf"),
    ("hookEventName", "vscode"),
    ("turn_id", "codex"),
    ("event", "goose"),
)
"""Fields that one client alone sends."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client said when it called."""

    client: Client
    event: str
    moment: Moment | None
    """None: this event is of no use to us."""
    session: str
    folder: str | None
    transcript: str | None
    prompt: str
    reply: str
    turn: str

    @property
    def session_name(self) -> str:
        """What the session's file is called: a client chooses its ids, and no file.

        Calls that name no session share one only within a folder.
        """
        named = self.session or self.transcript
        key = "\0".join(
            (
                self.client.name,
                self.session,
                self.transcript or "",
                *(() if named else (self.folder or "",)),
            )
        )
        return sha256(key.encode("utf-8", "replace")).hexdigest()[:_NAME_CHARS]

    def output(self, text: str) -> str:
        """The text as this client takes it at this moment; empty when it takes none."""
        form = self.client.says.get(self.moment, Output.NOTHING) if self.moment else Output.NOTHING
        if not text or form is Output.NOTHING:
            return ""
        if form is Output.TEXT:
            return f"{text}\n"
        if form is Output.ADDITIONAL:
            return json.dumps({"additional_context": text})
        specific = {"hookEventName": self.event, "additionalContext": text}
        return json.dumps({"hookSpecificOutput": specific})


def read_call(payload: Payload, *, event: str | None, client: str | None) -> Call:
    """What a payload says; `event` and `client` are what the command line says, if it does."""
    known = BY_NAME.get(client or "") or _recognised(payload)
    named = event or _first(payload, _EVENT_FIELDS)
    spelled = {name.lower(): name for name in known.events}
    named = spelled.get(named.lower(), named)
    return Call(
        client=known,
        event=named,
        moment=None if payload.get("agent_id") else known.events.get(named),
        session=_first(payload, known.session)[:200],
        folder=_first(payload, known.folder) or None,
        transcript=_first(payload, ("transcript_path",)) or None,
        prompt=_first(payload, known.prompt),
        reply=_first(payload, known.reply),
        turn=_first(payload, known.turn),
    )


def _recognised(payload: Payload) -> Client:
    """The client that sends such a payload; Claude Code's form is what most others follow."""
    for sign, name in _SIGNS:
        if sign in payload:
            return BY_NAME[name]
    named = _first(payload, _EVENT_FIELDS)
    gemini = BY_NAME["gemini-cli"]
    return gemini if named in gemini.events and named not in CLAUDE_CODE.events else CLAUDE_CODE


def _first(payload: Payload, paths: tuple[str, ...]) -> str:
    for path in paths:
        found: object = payload
        for step in path.split("."):
            found = _step(found, step)
        if isinstance(found, str) and found:
            return found
    return ""


def _step(value: object, step: str) -> object:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None
