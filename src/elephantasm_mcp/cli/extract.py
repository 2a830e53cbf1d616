"""`extract`: record one event."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command, fraction, json_object, moment
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import note, say, say_json
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.types.records import EventType

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm

STDIN = "-"


async def extract(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Store the event and print its handle."""
    event = await memory.extract(
        arguments.type,
        _read_stdin() if arguments.content == STDIN else arguments.content,
        anima_id=arguments.anima,
        session_id=arguments.session,
        role=arguments.role,
        author=arguments.author,
        occurred_at=arguments.at,
        meta=arguments.meta,
        source_uri=arguments.source_uri,
        importance_score=arguments.importance,
        dedupe_key=arguments.dedupe_key,
    )
    if event.redactions:
        note(f"{counted(event.redactions, 'secret')} masked before it was stored.")
    if event.note:
        note(event.note)
    if arguments.json:
        say_json(event)
    else:
        say(event.handle)
    return 0


def _read_stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("content", metavar="CONTENT", help="the words; `-` reads standard input")
    parser.add_argument(
        "--type",
        choices=[one.value for one in EventType],
        default=EventType.MESSAGE_IN.value,
        help="what kind of event it is (default: %(default)s)",
    )
    parser.add_argument("--author", metavar="NAME", help="who said it")
    parser.add_argument("--role", metavar="ROLE", help="user, assistant, … (default: by type)")
    parser.add_argument("--session", metavar="ID", help="the conversation that it belongs to")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="when it happened, in ISO 8601 (default: now)"
    )
    parser.add_argument(
        "--importance", metavar="X", type=fraction, help="how much it matters, from 0 to 1"
    )
    parser.add_argument("--source-uri", metavar="URI", help="the outside source, if any")
    parser.add_argument("--dedupe-key", metavar="KEY", help="same key, same event: stored once")
    parser.add_argument("--meta", metavar="JSON", type=json_object, help="anything else, as JSON")


COMMAND = Command(
    name="extract",
    summary="record one event: something that was said or done",
    details="Store one event and print its handle. Secrets are masked first. Memories are made of "
    "events by a dream.",
    run=with_memory(extract),
    options=_options,
    examples=(
        "elephantasm-mcp extract 'I am allergic to hazelnuts.' --author Mara",
        "git log -1 | elephantasm-mcp extract - --type tool.result --session release-7",
    ),
)
