"""`import`: take in events from files, folders and exports of other programs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.cli.archive import ARCHIVE
from elephantasm_mcp.cli.commands import Command, settings_of
from elephantasm_mcp.cli.connection import database_for
from elephantasm_mcp.cli.output import PROGRAM, line, note, progress, say, say_json
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from elephantasm_mcp.memory.formats.items import Item
    from elephantasm_mcp.memory.transfer import ImportReport
    from elephantasm_mcp.settings import Settings

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be imported."""

    items: Iterable[Item]
    total: int | None
    """The position of the last one, if it is known."""
    unit: str


def import_format(arguments: Namespace, *, name: str) -> int:
    """Import what a file of that format holds."""
    from elephantasm_mcp.memory.formats import known
    from elephantasm_mcp.memory.formats.parts import open_source

    source = open_source(arguments.file, stdin=sys.stdin.buffer)
    chosen = known.format_of(name, source)
    if name == AUTO:
        note(f"It looks like {chosen.title}.")
    if chosen.read_rows and known.is_database(source):
        from elephantasm_mcp.app import rows_of

        rows = rows_of(source.path, chosen.statement)
        return _import(arguments, _Found(chosen.read_rows(rows), None, " rows"))
    listed = known.files_of(chosen, source)
    size_bytes = None if source.is_stream else sum(one.size_bytes for one in listed)
    return _import(arguments, _Found(known.items_of(chosen, source, listed), size_bytes, "B"))


def import_bench(arguments: Namespace) -> int:
    """Import the conversations of a benchmark file, each into an anima of its name."""
    from elephantasm_mcp.memory.formats.bench import bench_events, read_bench
    from elephantasm_mcp.memory.formats.parts import open_source

    source = open_source(arguments.file, stdin=sys.stdin.buffer)
    conversations = read_bench(source.read_all(), only=arguments.only)
    if arguments.anima and len(conversations) > 1:
        raise ValidationError(
            f"The file has {counted(len(conversations), 'conversation')}, and each one has its own"
            " anima.",
            hint="Choose one with --only, or leave out --anima.",
        )
    arguments.only = None
    turns = sum(len(one.turns) for one in conversations)
    return _import(
        arguments, _Found(bench_events(conversations, anima=arguments.anima), turns, " turns")
    )


def _import(arguments: Namespace, found: _Found) -> int:
    from elephantasm_mcp.memory.transfer import ImportReport

    report = ImportReport()
    try:
        with database_for(settings_of(arguments), dry_run=arguments.dry_run) as settings:
            anyio.run(partial(_take_in, settings, found, arguments, report))
    except BaseException:  # a full disk, a key that ends it: what was stored stays, and is told
        if report.stored:
            _report(report, as_json=arguments.json)
            note("That is not all of it. Run it again, and it goes on where it was.")
        raise
    _report(report, as_json=arguments.json)
    if not report.dry_run:
        _advise(list(report.animas))
    return 1 if report.rejected else 0


async def _take_in(
    settings: Settings, found: _Found, arguments: Namespace, report: ImportReport
) -> None:
    from elephantasm_mcp.app import open_app
    from elephantasm_mcp.memory.transfer import BATCH_EVENTS, STREAM_EVENTS, chosen, take_in

    async with open_app(settings) as app:
        with progress("importing", total=found.total, unit=found.unit) as on_progress:
            await take_in(
                app.core,
                app.user,
                chosen(found.items, only=arguments.only),
                anima=arguments.anima,
                dry_run=arguments.dry_run,
                report=report,
                batch_events=STREAM_EVENTS if found.total is None else BATCH_EVENTS,
                on_progress=on_progress,
            )


def _report(report: ImportReport, *, as_json: bool) -> None:
    """What went wrong, what was there, and what was stored."""
    for one in report.first_rejected:
        note(f"{line(one.place)}: {line(one.reason)}")
    unnamed = report.rejected - len(report.first_rejected)
    if unnamed:
        note(f"… and {unnamed:,} more")
    for known in report.first_duplicates:
        note(f"{line(known.place)}: known already{f' as {known.handle}' if known.handle else ''}")
    if report.duplicates > len(report.first_duplicates):
        note(f"… and {report.duplicates - len(report.first_duplicates):,} more known already")
    if report.created:
        made = "Would make" if report.dry_run else "Made"
        names = ", ".join(map(line, report.created))
        note(f"{made} {counted(len(report.created), 'anima')}: {names}.")
    if as_json:
        say_json(report)
    else:
        _show(report)


def _advise(animas: list[str]) -> None:
    match animas:
        case []:
            pass
        case [name]:
            note(f"Go on with: {PROGRAM} dream run --anima {quote(line(name))}")
        case _:
            note(f"Go on with: {PROGRAM} dream run --anima NAME, for each of them.")


def _show(report: ImportReport) -> None:
    for name, events in report.animas.items():
        say(f"{line(name)}: {counted(events, 'event')}")
    for what, count in sorted(report.left_out.items()):
        say(f"left out: {count:,} {line(what)}")
    if report.redactions:
        say(f"masked: {counted(report.redactions, 'secret')}")
    stored = "would be stored" if report.dry_run else "stored"
    say(
        f"{counted(report.stored, 'event')} {stored}, {report.duplicates:,} known already, "
        f"{report.rejected:,} not usable."
    )


def _options(parser: ArgumentParser, *, file: str, only: str) -> None:
    parser.add_argument("file", metavar="FILE", help=file)
    parser.add_argument("--dry-run", action="store_true", help="say what would be stored")
    parser.add_argument("--only", metavar="NAME", help=only)


def _format(
    name: str, summary: str, details: str, *, file: str, only: str, examples: tuple[str, ...]
) -> Command:
    return Command(
        name=name,
        summary=summary,
        details=details,
        run=partial(import_format, name=name),
        options=partial(_options, file=file, only=only),
        examples=examples,
    )


_PARTS = (
    _format(
        AUTO,
        "whatever the file looks like",
        "Tell the format from the file, say which it is, and import it.",
        file="a file, zip or folder; `-` is standard input",
        only="import what is called that alone",
        examples=("elephantasm-mcp import auto conversations.json --dry-run",),
    ),
    _format(
        "claude-code",
        "sessions of Claude Code",
        "Store what you, Claude and its tools said. Each session goes to the anima of the project "
        "that it was in, or to --anima. What hooks captured is not stored again. Left out: "
        "subagents, what programs inserted, and what came out of this memory.",
        file="a transcript, or a folder of them",
        only="import the session of this id, or those of this working folder, alone",
        examples=(
            "elephantasm-mcp import claude-code ~/.claude/projects --dry-run",
            "elephantasm-mcp import claude-code session.jsonl --anima my-app",
        ),
    ),
    _format(
        "claude",
        "an account export of Claude",
        "Store the messages of each conversation, in the branch that was kept. What tools and "
        "attached files said is marked as reported. Left out: other branches, thoughts of the "
        "model, pictures, projects, what Claude itself remembered.",
        file="the zip of the export, its folder, or its conversations.json",
        only="import the conversation of this id or title alone",
        examples=("elephantasm-mcp import claude data-export.zip --anima me",),
    ),
    _format(
        "chatgpt",
        "an account export of ChatGPT",
        "Store the messages of each conversation, in the branch that was kept. What tools said is "
        "marked as reported. Left out: other branches, hidden messages, thoughts, pictures.",
        file="the zip of the export, its folder, or its conversations.json",
        only="import the conversation of this id or title alone",
        examples=("elephantasm-mcp import chatgpt chatgpt-export.zip --anima me",),
    ),
    _format(
        "server-memory",
        "the graph of the MCP server `server-memory`",
        "Store each observation and relation of the knowledge graph, marked as reported.",
        file="its memory.jsonl; `-` is standard input",
        only="import what is said of this entity alone",
        examples=("elephantasm-mcp import server-memory memory.jsonl",),
    ),
    _format(
        "mem0",
        "memories of mem0",
        "Store each memory, marked as reported: from the JSON that get_all gives, or "
        "from history.db, of which the latest words count.",
        file="a JSON file, or history.db; `-` is standard input",
        only="import the memories of this user, agent or run alone",
        examples=(
            "elephantasm-mcp import mem0 memories.json",
            "elephantasm-mcp import mem0 ~/.mem0/history.db",
        ),
    ),
    _format(
        "mcp-memory-service",
        "memories of mcp-memory-service",
        "Store each memory, marked as reported: from its JSON export, or from its database.",
        file="a JSON export, or sqlite_vec.db; `-` is standard input",
        only="import the memories of this tag alone",
        examples=("elephantasm-mcp import mcp-memory-service export.json",),
    ),
    _format(
        "basic-memory",
        "notes of basic-memory",
        "Store each observation, relation and section of the notes, marked as reported.",
        file="the folder of the notes, or one note",
        only="import the note of this title or permalink alone",
        examples=("elephantasm-mcp import basic-memory ~/basic-memory",),
    ),
    _format(
        "markdown",
        "CLAUDE.md, MEMORY.md, AGENTS.md and the like",
        "Store each section, marked as reported. What a file imports as @path is read too, if it "
        "is in the same folder or below; of a folder, each such file.",
        file="a Markdown file, or a folder",
        only="import the file, or the section, of this name alone",
        examples=("elephantasm-mcp import markdown CLAUDE.md --anima my-app",),
    ),
    _format(
        "jsonl",
        "one event a line, as a JSON object",
        "Store one event for each line that holds a JSON object with the fields of the tool "
        "extract_event: content, event_type, anima, role, author, session_id, occurred_at, "
        "importance_score, meta, source_uri, dedupe_key. Bad lines are reported, good ones stored. "
        "A line without a dedupe_key is known again by what it says, who said it and when.",
        file="one JSON object a line; `-` is standard input",
        only="import the session of this id alone",
        examples=(
            "elephantasm-mcp import jsonl chats.jsonl --anima my-agent",
            """echo '{"content": "I moved to Porto.", "author": "Mara"}' | """
            "elephantasm-mcp import jsonl -",
        ),
    ),
)
_BENCH = Command(
    name="bench",
    summary="conversations of a recall benchmark",
    details="Store the turns of each conversation in an anima of its id. A second import adds "
    "nothing.",
    run=import_bench,
    options=partial(
        _options,
        file="a benchmark's JSON file; `-` is standard input",
        only="import the conversation of this id alone",
    ),
    examples=("elephantasm-mcp import bench locomo.json --only conv-42",),
)
COMMAND = Command(
    name="import",
    summary="take in events from a file",
    details="Store the events of a file. An anima that is missing is made. What was stored stays, "
    "even when the import is interrupted; run it again, and it goes on where it was: nothing is "
    "stored twice. --dry-run says what would be stored, and writes nothing.",
    parts=(*_PARTS, _BENCH, ARCHIVE),
)
