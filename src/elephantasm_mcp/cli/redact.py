"""`redact`: mask secrets in what is already stored."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import hanging, note, say, say_json
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.types.views import RedactReport

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


async def redact(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Show what would be masked; with `--yes` mask it and print the receipt."""
    animas = [arguments.anima] if arguments.anima else [one.id for one in await memory.animas()]
    reports = [await memory.redact(anima_id=one, dry_run=not arguments.yes) for one in animas]
    if arguments.json:
        say_json(reports)
        return 0
    for report in reports:
        say(hanging("", _sentence(report)))
        if report.unreached:
            say(hanging("", f"Not reached: {'; '.join(report.unreached)}."))
    if not arguments.yes and any(report.redactions for report in reports):
        note("Nothing was masked: with --yes it is, and cannot be undone.")
    return 0


def _sentence(report: RedactReport) -> str:
    if not report.redactions:
        return f"{report.anima}: nothing to mask."
    verb = "Masked" if report.redacted_at else "Would mask"
    rows = (
        counted(len(report.events), "event"),
        counted(len(report.memories), "memory"),
        counted(len(report.knowledge), "piece of knowledge", "pieces of knowledge"),
        counted(report.journal, "change"),
    )
    return f"{report.anima}: {verb} {report.redactions:,} in {', '.join(rows)} of the journal."


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="mask it: without, it is only shown")


COMMAND = Command(
    name="redact",
    summary="mask secrets, and what an anima never stores, in what is already stored",
    details="Without --yes it only says what would be masked. It goes through events, memories, "
    "knowledge and the journal of all animas, or of one, and cannot be undone.",
    run=with_memory(redact),
    options=_options,
    examples=("elephantasm-mcp redact", "elephantasm-mcp redact --anima my-agent --yes"),
)
