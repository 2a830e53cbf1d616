"""`demo`: the whole way of a conversation into memory and back, before your eyes.

Owns the story that it tells and the checks that make it a test. It reaches the server only as any
MCP client does, over stdio. Invariant: no line is shown that the server did not give, and exit
code 0 means that every check held.
"""

import json
import sys
import tempfile
from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import anyio

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.output import hanging, line, say
from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.pure.labels import age_label, counted
from elephantasm_mcp.types.reading import DEFAULT_MAX_TOKENS

if TYPE_CHECKING:
    from mcp import Client, StdioServerParameters

WIDTH: Final = 96
DEADLINE_S: Final = 120.0
MAX_SHOWN_CHARS: Final = 250
TURN: Final = timedelta(minutes=1)
"""How long a turn of the bundled conversation takes."""
_TYPES: Final = {
    "in": "message.in",
    "out": "message.out",
    "call": "tool.call",
    "result": "tool.result",
}


Event: TypeAlias = dict[str, Any]
"""What `extract_event` takes for one event."""


@dataclass(frozen=True, slots=True)
class Session:
    """What was said at one sitting."""

    start: datetime
    events: list[Event]
    shown: Event
    """One that is worth showing."""


@dataclass(frozen=True, slots=True)
class Story:
    """The bundled conversation, moved up to today."""

    anima: str
    secret: str
    """What must not be stored."""
    small_talk: str
    """What must not be remembered."""
    query: str
    sessions: list[Session]

    @property
    def events(self) -> list[Event]:
        """All events, in order: the first has the handle `e1`."""
        return [event for session in self.sessions for event in session.events]


def run(_: Namespace) -> int:
    """Tell the story; an ElephantasmError says which check failed."""
    anyio.run(_tell)
    return 0


async def _tell() -> None:
    from elephantasm_mcp.app import SystemClock  # the engine: not for `--help`

    now = SystemClock().now()
    try:
        with anyio.fail_after(DEADLINE_S), tempfile.TemporaryDirectory() as folder:
            await play(load_story(now=now), folder=Path(folder), now=now)
    except TimeoutError:
        raise ServerError(f"The demo did not end within {DEADLINE_S:.0f} seconds.") from None
    _say_goodbye()


async def play(story: Story, *, folder: Path, now: datetime) -> None:
    """Play a story to a server of its own, whose database is made in `folder`.

    Raises:
        ServerError: something is not as it should be.
    """
    from mcp import Client

    say("elephantasm-mcp demo: a real server on a temporary database, no key, no network.")
    database = folder / "demo.sqlite3"
    failure: ServerError | None = None
    async with Client(_server(database)) as client:
        tools = (await client.list_tools()).tools
        say(f"It was started over stdio and offers {counted(len(tools), 'tool')}.")
        try:
            await Stage(client, story, database, now=now).perform()
        except ServerError as error:
            failure = error  # raised below, outside the client's task group
    if failure:
        raise failure


class Stage:
    """The demo on its way: a connected client, and what has been played."""

    def __init__(self, client: "Client", story: Story, database: Path, *, now: datetime) -> None:
        self._client = client
        self._story = story
        self._database = database
        self._now = now

    async def perform(self) -> None:
        """All of it, step by step."""
        await self.record()
        dream = await self.dream()
        await self.read_packs()
        await self.trace()
        await self.undo(dream)

    async def record(self) -> None:
        """Capture the events, one call a session, with a secret among them."""
        _head(1, "Events: what was said is recorded, word for word")
        await self._call("create_anima", name=self._story.anima)
        for session in self._story.sessions:
            answer = await self._call(
                "extract_event", anima=self._story.anima, events=session.events
            )
            _check(len(answer["events"]) == len(session.events), "not every event was recorded")
            age = age_label(session.start, now=self._now)
            head = f"  {age:<13}{counted(len(session.events), 'event'):<11}"
            first, shown = session.events[0]["content"], session.shown["content"]
            said = f"“{first}”" if shown == first else f"“{first}” … “{shown}”"
            say(hanging(head, said, width=WIDTH))
        secret = next(e for e in self._story.events if self._story.secret in e["content"])
        handle = f"e{self._story.events.index(secret) + 1}"
        stored = await self._call("trace_memory", handle=handle, anima=self._story.anima)
        say("\nA password slipped into the second one. This is what was stored:")
        say(hanging(f"  {handle}  ", stored["text"], width=WIDTH))
        _check("[redacted" in stored["text"], "the secret was not masked")
        for file in self._database.parent.iterdir():
            found = self._story.secret.encode() in file.read_bytes()
            _check(not found, "the secret stands in the database")

    async def dream(self) -> dict[str, Any]:
        """Make memories, and show them."""
        _head(2, "A dream: events become memories and knowledge")
        dream = await self._call("dream", anima=self._story.anima)
        made = {layer: _of(dream, layer) for layer in ("memory", "knowledge")}
        _check(bool(made["memory"] and made["knowledge"]), "the dream made nothing")
        known = counted(len(made["knowledge"]), "piece of knowledge", "pieces of knowledge")
        _tell_that(
            f"{dream['dream']}: {counted(dream['counts']['events'], 'event')} became "
            f"{counted(len(made['memory']), 'memory')} and {known}. "
            "The small talk is gone. Without an LLM key, memories quote what was said."
        )
        for layer in ("memory", "knowledge"):
            say()
            for action in made[layer]:
                text = action["text"]
                shown = line(text, max_chars=MAX_SHOWN_CHARS)
                say(hanging(f"  {action['handle']}  ", shown, width=WIDTH))
                _check(self._story.small_talk not in text, "small talk became a memory")
        return dream

    async def read_packs(self) -> None:
        """The pack without and with a query."""
        _head(3, "The memory pack: what an agent reads before it answers")
        pack = await self._read_pack()
        _check("hazelnut" in pack, "the pack does not know of the allergy")
        _check("## Current Session" in pack, "the pack has no current session")
        say()
        _tell_that("Who the agent is, `## Your Identity`, comes with a later release.")
        _head(4, f"The same for a question: “{self._story.query}”")
        pack = await self._read_pack(query=self._story.query)
        _check("Sunday" in pack, "the pack does not know when the cut-over is")
        say()
        _tell_that(
            "The decision and its change are both there, each with its age. Settling such "
            "contradictions comes with a later release."
        )

    async def trace(self) -> None:
        """From knowledge to the exact words."""
        _head(5, "Provenance: where does a line come from?")
        hits = await self._call(
            "search_memory", query="cut-over decision", anima=self._story.anima, layers=["memory"]
        )
        memory = next((h for h in hits["hits"] if "Sunday" in h["text"]), None)
        if memory is None:
            raise ServerError("The demo failed: the changed decision is in no memory.")
        trace = await self._call("trace_memory", handle=memory["handle"], anima=self._story.anima)
        say(hanging(f"  {trace['handle']}  ", memory["text"], width=WIDTH))
        say("\nwas made of these events, and quotes these words of them:")
        quotes = [quote for source in trace["sources"] for quote in source["quotes"]]
        _check(bool(quotes), "the memory quotes nothing")
        for source in trace["sources"]:
            played = self._story.events[int(source["handle"][1:]) - 1]["content"]
            _check(source["content"] == played, f"{source['handle']} is not what was said")
            say()
            say(hanging(f"  {source['handle']}  ", source["content"], width=WIDTH))
            for quote in source["quotes"]:
                _check(quote in played, f"a quote of {source['handle']} was never said")
                say(hanging("       quoted: ", f"“{quote}”", width=WIDTH))
        say()
        _tell_that(trace["pack_reason"])

    async def undo(self, dream: dict[str, Any]) -> None:
        """Take the dream back, and dream again."""
        _head(6, "Undo: a dream can be taken back")
        undone = await self._call("undo_dream", dream=dream["dream"], anima=self._story.anima)
        _tell_that(undone["message"])
        left = await self._call("list_animas")
        held = left["animas"][0]
        _check(not held["memories"] + held["knowledge"], "a memory outlived the undo")
        _check(held["events"] == len(self._story.events), "an event was lost")
        again = await self._call("dream", anima=self._story.anima)
        _check(_texts(again) == _texts(dream), "dreaming again made something else")
        say()
        _tell_that("An explicit dream makes the same again, word for word. The journal:")
        journal = await self._client.read_resource(f"anima://{self._story.anima}/dreams")
        text = "".join(getattr(part, "text", "") for part in journal.contents)
        headings = [one.removeprefix("## ") for one in text.splitlines() if one.startswith("## ")]
        _check(len(headings) == 3, "the journal does not have three dreams")
        for heading in headings:
            say(hanging("  ", heading, width=WIDTH))

    async def _read_pack(self, **query: str) -> str:
        result = await self._client.call_tool(
            "get_memory_pack", {"anima": self._story.anima, **query}
        )
        text = _text(result)
        for shown in text.splitlines():
            lead = "    - " if shown.startswith("- ") else "    "
            body = shown.removeprefix("- ")
            say(hanging(lead, body, width=WIDTH) if body else "")
        tokens = (result.meta or {}).get("tokens", 0)
        _check(0 < tokens <= DEFAULT_MAX_TOKENS, "the pack is longer than its budget")
        say(f"\n{tokens} of at most {DEFAULT_MAX_TOKENS:,} tokens.")
        return text

    async def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """The structured answer of a tool.

        Raises:
            ServerError: the tool refused.
        """
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            raise ServerError(f"The demo failed: {tool} answered: {_text(result)}")
        return result.structured_content or {}


def load_story(*, now: datetime) -> Story:
    """The bundled conversation with its sessions as long ago as it says."""
    raw = json.loads((files("elephantasm_mcp.cli") / "conversation.json").read_text("utf-8"))
    return Story(
        anima=raw["anima"],
        secret=raw["secret"],
        query=raw["query"],
        small_talk=raw["small_talk"],
        sessions=[_session(one, author=raw["author"], now=now) for one in raw["sessions"]],
    )


def _session(raw: dict[str, Any], *, author: str, now: datetime) -> Session:
    start = _start(raw, now=now)
    events = [
        {
            "event_type": _TYPES[kind],
            "content": content,
            "session_id": raw["id"],
            "occurred_at": (start + number * TURN).isoformat(),
        }
        | ({"author": author} if kind == "in" else {})
        for number, (kind, content) in enumerate(raw["turns"])
    ]
    return Session(start, events, shown=events[raw["shown"]])


def _start(session: dict[str, Any], *, now: datetime) -> datetime:
    if "minutes_ago" in session:
        return now - timedelta(minutes=session["minutes_ago"])
    day = (now - timedelta(days=session["days_ago"])).date()
    return datetime.combine(day, time.fromisoformat(session["at"]), tzinfo=UTC)


def _server(database: Path) -> "StdioServerParameters":
    """How to start a server that knows nothing of the user's settings."""
    from mcp import StdioServerParameters

    from elephantasm_mcp.clients.command import SAFELY

    env_file = database.with_name("empty.env")
    env_file.touch()
    options = ["--database", str(database), "--env-file", str(env_file)]
    return StdioServerParameters(
        command=sys.executable,
        args=[*SAFELY, "elephantasm_mcp", *options],
        env={"ENABLE_BACKGROUND_JOBS": "false"},  # the dreams of this story are the explicit ones
    )


def _of(dream: dict[str, Any], layer: str) -> list[dict[str, Any]]:
    return [action for action in dream["actions"] if action["layer"] == layer]


def _texts(dream: dict[str, Any]) -> list[str]:
    return sorted(action["text"] for action in dream["actions"])


def _text(result: Any) -> str:  # noqa: ANN401 - mcp's types are not imported here
    return "\n".join(getattr(block, "text", "") for block in result.content)


def _check(holds: bool, failure: str) -> None:  # noqa: FBT001 - a predicate
    if not holds:
        raise ServerError(f"The demo failed: {failure}.", hint="Please report it.")


def _tell_that(text: str) -> None:
    say(hanging("", text, width=WIDTH))


def _head(number: int, title: str) -> None:
    heading = f"{number}. {title}"
    say(f"\n\n{heading}\n{'─' * len(heading)}")


def _say_goodbye() -> None:
    say("\n\nEvery check held, and the temporary database is gone. What next:\n")
    for command, meaning in (
        ("elephantasm-mcp install claude-code", "give Claude Code this memory"),
        ("elephantasm-mcp extract 'I am allergic to hazelnuts.'", "record something by hand"),
        ("elephantasm-mcp search 'hazelnuts'", "find it again"),
        ("elephantasm-mcp doctor", "see settings, database and models"),
    ):
        say(f"  {command:<56}{meaning}")


COMMAND = Command(
    name="demo",
    summary="watch a conversation become memory: no key, no network, nothing is kept",
    details="Start a server on a temporary database, play a bundled conversation of four sessions "
    "to it as an MCP client, and show events, memories, knowledge, the pack, a trace and an undo. "
    "Every step is checked; exit code 0 means that all of them held.",
    run=run,
    shared=(),
)
