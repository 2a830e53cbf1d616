"""`trace`: where something comes from, and what became of it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import hanging, line, say, say_json, when
from elephantasm_mcp.types.views import Trace, TraceAction, TraceSource
from elephantasm_mcp.wording import origin_text

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


async def trace(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Print sources, what was made of it, history, and why it is in the pack or not."""
    found = await memory.trace(arguments.handle, anima_id=arguments.anima, query=arguments.query)
    if arguments.json:
        say_json(found)
    else:
        for one in _present(found):
            say(one)
    return 0


def _present(found: Trace) -> Iterator[str]:
    made_by = f", by {found.synthesizer}" if found.synthesizer else ""
    yield f"{found.handle}  {found.layer}, {found.state}{made_by}  {found.id}"
    if found.origin:
        yield f"  {origin_text(found.origin)}; what it was made of may not be read"
    if found.layer != "event":
        yield hanging("  ", line(found.text, max_chars=None))
        yield "\nmade of"
    for source in found.sources:
        yield from _source(source)
    if found.derived:
        yield "\nbecame"
    for derived in found.derived:
        yield hanging(f"  {derived.handle}  ({derived.state}) ", line(derived.text))
    if found.history:
        yield "\nhistory"
    for action in found.history:
        yield _action(action)
    asked = f"for “{line(found.standing.query)}”" if found.standing.query else "without a query"
    yield f"\nthe pack {asked}"
    yield hanging("  ", line(found.pack_reason, max_chars=None))


def _source(source: TraceSource) -> Iterator[str]:
    if not source.event_type:  # not to be read
        yield f"  {source.handle}  {when(source.occurred_at)} UTC"
        return
    who = line(source.author or source.event_type)
    session = f", session {line(source.session_id)}" if source.session_id else ""
    yield f"  {source.handle}  {when(source.occurred_at)} UTC, {who}{session}"
    yield hanging("      ", line(source.content, max_chars=None))
    for quote in source.quotes:
        yield hanging("      quoted: ", f"“{line(quote, max_chars=None)}”")


def _action(action: TraceAction) -> str:
    undone = ", undone" if action.undone else ""
    head = f"  {action.dream}  {when(action.at)} UTC  {action.kind} ({action.phase}, {action.actor}"
    return hanging(f"{head}{undone})  ", line(action.reasoning))


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "handle", metavar="HANDLE", help="an event (e341), memory (m12) or knowledge (k7), or an id"
    )
    parser.add_argument(
        "--query", metavar="TEXT", help="why is it, or is it not, in the pack for this?"
    )


COMMAND = Command(
    name="trace",
    summary="show where something comes from and what became of it",
    details="Print the source events with the words that were quoted, what was made of it, every "
    "dream that changed it, and why it is in the pack (for a query) or not: its rank and reason, "
    "or what it was cut by, superseded by or left to.",
    run=with_memory(trace),
    options=_options,
    examples=(
        "elephantasm-mcp trace m12",
        "elephantasm-mcp trace m12 --query 'what may Nadia eat?'",
        "elephantasm-mcp trace k7 --anima my-agent --json",
    ),
)
