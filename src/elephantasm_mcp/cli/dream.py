"""`dream`: make memories now, read the journal, take a dream back."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

import anyio

from elephantasm_mcp.cli.commands import Command, step_numbers, whole_number
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import PROGRAM, hanging, line, note, say, say_json, table, when
from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.types.views import DreamReport, Phase
from elephantasm_mcp.wording import counts_text, deed, outcome, plan_text, spent_text

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm


STDIN: Final = "-"


async def run(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Dream now and print what was done."""
    note("Dreaming …")
    report = await memory.dream(arguments.anima, arguments.phase, arguments.dry_run)
    return _print(report, arguments)


async def show_all(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Print the journal, newest first; or what packs do not use, or use too often."""
    if arguments.unused:
        return await _show_unused(memory, arguments)
    reports = await memory.dreams(arguments.anima, limit=arguments.limit)
    if arguments.json:
        say_json(reports)
    elif reports:
        for one in table(map(_row, reports)):
            say(one)
        if spent := _spent(reports):
            note(f"Language models took {spent}.")
    else:
        note("No dream yet: memories are made once enough was recorded.")
    return 0


async def _show_unused(memory: AsyncElephantasm, arguments: Namespace) -> int:
    found = await memory.usefulness(arguments.anima)
    if arguments.json:
        say_json(found)
        return 0
    for title, rows in (
        (f"In no pack for {counted(found.days, 'day')}", found.unused),
        (f"In nearly every one of {found.packs_read:,} packs", found.crowding),
    ):
        say(f"{title}: {len(rows):,}")
        for row in rows:
            said = f"last {when(row.last_at)}" if row.last_at else "never"
            say(hanging(f"  {row.handle}  {row.shown}/{row.of}, {said}  ", line(row.text)))
    note(f"`{PROGRAM} curate HANDLE archive` takes one out of packs.")
    return 0


async def show(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Print one dream with its actions."""
    return _print(await _find(memory, arguments), arguments)


async def complete(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Hand in proposals for a work order or do steps of a plan; print what became of them."""
    if arguments.accept is not None:
        report = await memory.complete_dream(arguments.order, arguments.accept)
    else:
        text = await _read(arguments.proposals)
        report = await memory.complete_dream(arguments.order, proposals=_object(text))
    _print(report, arguments)
    return 1 if report.rejected else 0


async def _read(name: str) -> str:
    """The text of a file, or of standard input.

    Raises:
        ValidationError: it cannot be read.
    """
    if name == STDIN:
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        return await anyio.Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ValidationError(
            f"The file {name} cannot be read: {error.strerror}.", field="proposals"
        ) from error


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValidationError: it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValidationError(
            "The proposals are not a JSON object.",
            field="proposals",
            hint='Example: {"memories": []}.',
        )
    return found


def _spent(reports: Sequence[DreamReport]) -> str:
    """What the dreams took together; empty when no model was asked."""
    asked = [one for one in reports if one.calls]
    if not asked:
        return ""
    known = [one.cost_usd for one in asked if one.cost_usd is not None]
    cost = f", ${sum(known):.4f}" if known else ""
    tokens, calls = sum(one.tokens for one in asked), sum(one.calls for one in asked)
    return f"{counted(tokens, 'token')} in {counted(calls, 'call')}{cost}"


async def undo(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Take a dream back."""
    dream = await _find(memory, arguments)
    report = await memory.undo_dream(dream.id)
    if arguments.json:
        say_json(report)
    else:
        say(report.message)
    return 0


async def _find(memory: AsyncElephantasm, arguments: Namespace) -> DreamReport:
    """The dream that was named, by handle or id.

    Raises:
        NotFoundError: the anima has no such dream.
    """
    for report in await memory.dreams(arguments.anima):
        if arguments.dream.lower() in (report.handle, str(report.id)):
            return report
    raise NotFoundError(
        f"There is no dream {arguments.dream!r}.", hint=f"`{PROGRAM} dream list` shows the journal."
    )


def _print(report: DreamReport, arguments: Namespace) -> int:
    if arguments.json:
        say_json(report)
        return 0
    for one in _present(report):
        say(one)
    return 0


def _present(report: DreamReport) -> Iterator[str]:
    """A head, the counts, then each action with its handle and text."""
    if report.plan is not None:
        yield from plan_text(report.plan).splitlines()
        if report.plan.steps:
            yield f"`{PROGRAM} dream complete {report.plan.id} --accept 1` does the first of them."
        return
    if report.handle:
        yield "  ".join(_row(report))
    if report.note:
        yield report.note
    yield from report.notes
    yield from (f"not accepted: {line(one.reason)}" for one in report.rejected)
    if not report.actions:
        yield "Nothing changed."
    for action in report.actions:
        yield hanging(f"  {deed(action)}  ", outcome(action))
    if report.work_order is not None:
        waiting = len(report.work_order.events) + report.work_order.remaining
        yield (
            f"{counted(waiting, 'event')} can be made into better memories: the work order is in"
            f" `{PROGRAM} dream run --json`, and `{PROGRAM} dream complete` takes the answer."
        )


def _row(report: DreamReport) -> tuple[str, ...]:
    counts = counts_text(report.counts)
    state = f"undoes {report.undoes}" if report.undoes else report.state
    started = f"{when(report.started_at)} UTC"
    spent = spent_text(report)
    return report.handle, started, report.phase, state, f"by {report.actor}", counts or "-", spent


def _run_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--phase",
        choices=get_args(Phase),
        default="auto",
        help="synthesis makes memories of events, light lets memories fade, deep puts them in"
        " order, auto does what is due",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what deep sleep (or --phase light) would do, and change nothing",
    )


def _list_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        metavar="N",
        type=whole_number(least=1, most=1_000_000),
        help="the newest N alone (default: all)",
    )
    parser.add_argument(
        "--unused",
        action="store_true",
        help="instead: what no pack showed for 90 days, and what stands in nearly every pack",
    )


def _complete_options(parser: ArgumentParser) -> None:
    parser.add_argument("order", metavar="ID", help="the id of a work order, or of a plan")
    answers = parser.add_mutually_exclusive_group(required=True)
    answers.add_argument(
        "proposals",
        metavar="FILE",
        nargs="?",
        help="the proposals for a work order, as JSON; `-` reads standard input",
    )
    answers.add_argument(
        "--accept",
        metavar="1,3",
        type=step_numbers,
        help="the numbers of the plan that are to be done, and nothing else",
    )


def _dream(parser: ArgumentParser) -> None:
    parser.add_argument("dream", metavar="DREAM", help="its handle, such as d3, or its id")


COMMAND = Command(
    name="dream",
    summary="make memories now, read the journal, take a dream back",
    details="A dream makes memories and knowledge of events. `dream` alone is `dream run`.",
    run=with_memory(run),
    parts=(
        Command(
            name="run",
            summary="make memories of what was recorded, whatever the threshold says",
            run=with_memory(run),
            options=_run_options,
            examples=("elephantasm-mcp dream run --anima my-agent",),
        ),
        Command(
            name="list",
            summary="the journal: all dreams, newest first",
            run=with_memory(show_all),
            options=_list_options,
        ),
        Command(
            name="show", summary="one dream with its actions", run=with_memory(show), options=_dream
        ),
        Command(
            name="complete",
            summary="hand in what was made of a work order, or accept steps of a plan",
            run=with_memory(complete),
            options=_complete_options,
            details="The work order is in the JSON of `dream run`, a plan is what `dream run "
            "--dry-run` prints. Exit code 1: something was not accepted.",
            examples=(
                "elephantasm-mcp dream complete ORDER proposals.json",
                "elephantasm-mcp dream complete PLAN --accept 1,3",
            ),
        ),
        Command(
            name="undo",
            summary="take back all that a dream did; its events wait for the next explicit dream",
            run=with_memory(undo),
            options=_dream,
            examples=("elephantasm-mcp dream undo d3",),
        ),
    ),
)
