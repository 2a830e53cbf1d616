"""`forget`: erase rows, a session, or everything of an anima."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import hanging, note, say, say_json
from elephantasm_mcp.wording import forget_lines

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


async def forget(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Show what would go; with `--yes` erase it and print the receipt."""
    report = await memory.forget(
        anima_id=arguments.anima,
        ids=arguments.handles or None,
        session_id=arguments.session,
        everything=arguments.everything,
        dry_run=not arguments.yes,
    )
    if arguments.json:
        say_json(report)
        return 0
    for one in forget_lines(report):
        say(hanging("", one))
    if not arguments.yes:
        note("Nothing was erased: with --yes it is, and cannot be undone.")
    return 0


def _options(parser: ArgumentParser) -> None:
    named = parser.add_mutually_exclusive_group(required=True)
    named.add_argument(
        "handles",
        metavar="HANDLE",
        nargs="*",
        default=[],
        help="events (e341), memories (m12), knowledge (k7)",
    )
    named.add_argument("--session", metavar="ID", help="all events of this conversation")
    named.add_argument(
        "--everything", action="store_true", help="all that the anima holds; its settings stay"
    )
    parser.add_argument("--yes", action="store_true", help="erase it: without, it is only shown")


COMMAND = Command(
    name="forget",
    summary="erase rows, a session or everything, with what was made of it alone",
    details="Without --yes it only says what would go. What is erased is in no file of ours any "
    "more: not in the journal, not in the index, not in the log. It cannot be undone.",
    run=with_memory(forget),
    options=_options,
    examples=(
        "elephantasm-mcp forget e341 m12",
        "elephantasm-mcp forget --session chat-42 --yes",
        "elephantasm-mcp forget --everything --anima my-agent --yes",
    ),
)
