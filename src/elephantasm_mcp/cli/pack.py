"""`pack`: the compiled context of an anima."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, get_args

from elephantasm_mcp.cli.commands import Command, moment, whole_number
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import note, say, say_json
from elephantasm_mcp.types.records import PresetName

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


async def pack(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Print the pack as markdown."""
    memory.client = "cli"
    found = await memory.inject(
        arguments.anima,
        arguments.query,
        session_id=arguments.session,
        max_tokens=arguments.max_tokens,
        preset=arguments.preset,
        as_of=arguments.as_of,
    )
    if arguments.json:
        say_json(found)
    elif found is None:
        note("Nothing is remembered here yet.")
    else:
        say(found.layers.annotated if arguments.handles else found.as_prompt())
    return 0


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "query", metavar="QUERY", nargs="?", help="what the pack should be about (default: now)"
    )
    parser.add_argument("--handles", action="store_true", help="end each line with its handle")
    parser.add_argument("--session", metavar="ID", help="the conversation that is going on")
    parser.add_argument(
        "--max-tokens",
        metavar="N",
        type=whole_number(least=200, most=200_000),
        help="the longest it may be (default: the anima's setting, 4000)",
    )
    parser.add_argument(
        "--preset", choices=get_args(PresetName), help="how it is compiled (default: the anima's)"
    )
    parser.add_argument(
        "--as-of", metavar="TIME", type=moment, help="the pack as it was at this past time"
    )


COMMAND = Command(
    name="pack",
    summary="print the memory pack: what to know before answering",
    details="Print the compiled context as markdown, ready to stand in a prompt.",
    run=with_memory(pack),
    options=_options,
    examples=(
        "elephantasm-mcp pack",
        "elephantasm-mcp pack 'billing migration' --handles --max-tokens 1500",
        "elephantasm-mcp pack --as-of 2026-03-02T10:30:00Z",
    ),
)
