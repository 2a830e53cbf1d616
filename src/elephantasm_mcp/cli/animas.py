"""`animas`: list the memory spaces, or make one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command, json_object
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import PROGRAM, line, note, say, say_json, table, when
from elephantasm_mcp.types.records import AnimaOverview

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm

_SHARED = ("--database", "--env-file", "--json")


async def show_all(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """List what each anima holds."""
    found = await memory.animas()
    if arguments.json:
        say_json(found)
    elif found:
        head = ("anima", "events", "pending", "memories", "knowledge", "dreams", "last event (UTC)")
        for one in table([head, *map(_row, found)], right=range(1, len(head) - 1)):
            say(one)
    else:
        note(f"There is no anima yet; {PROGRAM} extract makes the default one.")
    return 0


async def create(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Make an anima; one of that name stays as it is."""
    anima = await memory.create_anima(
        arguments.name, description=arguments.description, meta=arguments.meta
    )
    if arguments.json:
        say_json(anima)
    else:
        say(f"{line(anima.name)}  {anima.id}")
    return 0


def _row(anima: AnimaOverview) -> tuple[str, ...]:
    counts = (anima.events, anima.pending_events, anima.memories, anima.knowledge, anima.dreams)
    name = f"{line(anima.name)} (default)" if anima.default else line(anima.name)
    return name, *(f"{number:,}" for number in counts), when(anima.last_event_at)


def _create_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="its name, unlike that of any other")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument("--meta", metavar="JSON", type=json_object, help="anything else, as JSON")


COMMAND = Command(
    name="animas",
    summary="list the memory spaces, or make one",
    details="An anima is one isolated memory space: an agent, a user, a project.",
    run=with_memory(show_all),
    parts=(
        Command(
            name="list",
            summary="list the animas and what they hold (what `animas` alone does)",
            run=with_memory(show_all),
            shared=_SHARED,
        ),
        Command(
            name="create",
            summary="make an anima; one of that name stays as it is",
            run=with_memory(create),
            options=_create_options,
            examples=("elephantasm-mcp animas create my-agent --description 'Code reviews'",),
            shared=_SHARED,
        ),
    ),
    shared=_SHARED,
)
