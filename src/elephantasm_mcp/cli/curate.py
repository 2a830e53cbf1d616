"""`curate`: put one memory or piece of knowledge right."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, get_args

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import hanging, line, note, say, say_json
from elephantasm_mcp.types.records import KnowledgeType
from elephantasm_mcp.types.views import CurateAction
from elephantasm_mcp.wording import action_text

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


async def curate(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Do it, and print the row as it is now."""
    report = await memory.curate(
        arguments.handle,
        arguments.action,
        anima_id=arguments.anima,
        content=arguments.content,
        knowledge_type=arguments.type,
        reason=arguments.reason,
    )
    if arguments.json:
        say_json(report)
        return 0
    for action in report.actions:
        head = f"{report.handle}  {action.operation} {action.handle}  "
        say(hanging(head, line(action_text(action))))
    if report.related and arguments.action == "correct":
        note(f"Not changed, made of the same events: {', '.join(report.related)}.")
    return 0


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("handle", metavar="HANDLE", help="a memory (m12), knowledge (k7) or an id")
    parser.add_argument("action", metavar="ACTION", choices=get_args(CurateAction), help=_ACTIONS)
    parser.add_argument("content", metavar="TEXT", nargs="?", help="what is right, for `correct`")
    parser.add_argument(
        "--type",
        metavar="TYPE",
        choices=[one.value for one in KnowledgeType],
        help="for `reclassify`: FACT, CONCEPT, METHOD, PRINCIPLE or EXPERIENCE",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why: it stands in the journal")


_ACTIONS = ", ".join(get_args(CurateAction))
COMMAND = Command(
    name="curate",
    summary="correct, pin, archive or restore a memory or piece of knowledge",
    details="Put one row right. No dream overwrites a correction; `dream undo` takes it back.",
    run=with_memory(curate),
    options=_options,
    examples=(
        "elephantasm-mcp curate m12 correct 'Nadia is allergic to walnuts.'",
        "elephantasm-mcp curate k7 reclassify --type PRINCIPLE",
        "elephantasm-mcp curate m12 pin --reason 'never forget this'",
    ),
)
