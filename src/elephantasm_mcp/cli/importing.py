"""`import`: take in events from files."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, BinaryIO

import anyio

from elephantasm_mcp.cli.archive import ARCHIVE
from elephantasm_mcp.cli.commands import Command, settings_of
from elephantasm_mcp.cli.output import PROGRAM, line, note, progress, say, say_json
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from elephantasm_mcp.memory.transfer import ImportReport, Item
    from elephantasm_mcp.settings import Settings

STDIN = "-"


def import_jsonl(arguments: Namespace) -> int:
    """Import one event a line."""
    from elephantasm_mcp.memory.transfer import read_jsonl

    with _opened(arguments.file) as file:
        size_bytes = None if file is sys.stdin.buffer else Path(arguments.file).stat().st_size
        items = read_jsonl(file, anima=arguments.anima)
        return _import(arguments, items, total=size_bytes, unit="B")


def import_bench(arguments: Namespace) -> int:
    """Import the conversations of a benchmark file, each into an anima of its name."""
    from elephantasm_mcp.memory.transfer import bench_events, read_bench

    with _opened(arguments.file) as file:
        conversations = read_bench(file.read(), only=arguments.only)
    if arguments.anima and len(conversations) > 1:
        raise ValidationError(
            f"The file has {counted(len(conversations), 'conversation')}, and each one has its own"
            " anima.",
            hint="Choose one with --only, or leave out --anima.",
        )
    turns = sum(len(one.turns) for one in conversations)
    items = bench_events(conversations, anima=arguments.anima)
    return _import(arguments, items, total=turns, unit=" turns")


def _import(arguments: Namespace, items: Iterable[Item], *, total: int | None, unit: str) -> int:
    work = partial(_take_in, settings_of(arguments), items, total=total, unit=unit)
    report = anyio.run(work)
    _report(report)
    if arguments.json:
        say_json(report)
    else:
        _show(report)
    return 1 if report.rejected else 0


async def _take_in(
    settings: Settings, items: Iterable[Item], *, total: int | None, unit: str
) -> ImportReport:
    from elephantasm_mcp.app import open_app
    from elephantasm_mcp.memory.transfer import take_in

    async with open_app(settings) as app:
        with progress("importing", total=total, unit=unit) as on_progress:
            return await take_in(app.core, app.user, items, on_progress=on_progress)


def _report(report: ImportReport) -> None:
    """What went wrong, and how to go on."""
    for one in report.first_rejected:
        note(f"{one.place}: {line(one.reason)}")
    unnamed = report.rejected - len(report.first_rejected)
    if unnamed:
        note(f"… and {unnamed:,} more")
    if report.created:
        note(
            f"Made {counted(len(report.created), 'anima')}: {', '.join(map(line, report.created))}."
        )
    match list(report.animas):
        case []:
            pass
        case [name]:
            note(f"Go on with: {PROGRAM} dream run --anima {quote(line(name))}")
        case _:
            note(f"Go on with: {PROGRAM} dream run --anima NAME, for each of them.")


def _show(report: ImportReport) -> None:
    for name, events in report.animas.items():
        say(f"{line(name)}: {counted(events, 'event')}")
    say(
        f"{counted(report.stored, 'event')} stored, {report.duplicates:,} known already, "
        f"{report.rejected:,} not usable."
    )


@contextmanager
def _opened(name: str) -> Generator[BinaryIO, None, None]:
    """The file of that name, or standard input.

    Raises:
        ValidationError: it cannot be read.
    """
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening is explained
    except OSError as error:
        raise ValidationError(f"{name} cannot be read.", hint="Name a file.") from error
    with file:
        yield file


def _file(parser: ArgumentParser, *, what: str) -> None:
    parser.add_argument("file", metavar="FILE", help=f"{what}; `-` is standard input")


def _jsonl_options(parser: ArgumentParser) -> None:
    _file(parser, what="one JSON object a line")


def _bench_options(parser: ArgumentParser) -> None:
    _file(parser, what="a benchmark's JSON file")
    parser.add_argument("--only", metavar="ID", help="import the conversation of this id alone")


_JSONL = Command(
    name="jsonl",
    summary="one event a line, as a JSON object",
    details="Store one event for each line that holds a JSON object with the fields of the tool "
    "extract_event: content, event_type, anima, role, author, session_id, occurred_at, "
    "importance_score, meta, source_uri, dedupe_key. Bad lines are reported, good ones stored. "
    "Lines with a dedupe_key may be imported again: they are stored once.",
    run=import_jsonl,
    options=_jsonl_options,
    examples=(
        "elephantasm-mcp import jsonl chats.jsonl --anima my-agent",
        """echo '{"content": "I moved to Porto.", "author": "Mara"}' | """
        "elephantasm-mcp import jsonl -",
    ),
)
_BENCH = Command(
    name="bench",
    summary="conversations of a recall benchmark",
    details="Store the turns of each conversation in an anima of its id. A second import adds "
    "nothing.",
    run=import_bench,
    options=_bench_options,
    examples=("elephantasm-mcp import bench locomo.json --only conv-42",),
)
COMMAND = Command(
    name="import",
    summary="take in events from a file",
    details="Store the events of a file. An anima that is missing is made. What was stored stays, "
    "even when the import is interrupted.",
    parts=(_JSONL, _BENCH, ARCHIVE),
)
