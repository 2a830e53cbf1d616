"""`doctor`: settings, database, models and background jobs at a glance."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.output import PROGRAM, line, say, say_json, table, when
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from elephantasm_mcp.cli.checkup.findings import Checkup, JobRow

_MB = 1_000_000
_FINDINGS = {"Put right": "fixed", "Advice": "advice", "Problems": "wrong"}
_WRITERS = {
    "host": "extraction at once, and better ones by the connected agent (host)",
    "extractive": "extraction alone",
    "": "",
}


def run(arguments: Namespace) -> int:
    """Look at everything; the exit code says whether something is wrong."""
    found = anyio.run(_examine, arguments)
    if arguments.json:
        say_json(found.as_dict())
    else:
        for one in _present(found):
            say(one)
    return 0 if found.ok else 1


async def _examine(arguments: Namespace) -> Checkup:
    from elephantasm_mcp.cli.checkup import examine  # all engines: not for `--help`

    return await examine(
        env_file=arguments.env_file,
        recall=arguments.recall,
        live=arguments.live,
        fix=arguments.fix,
        database=arguments.database,
        anima_id=arguments.anima,
    )


def _present(found: Checkup) -> Iterator[str]:
    yield from _section("Versions", table(found.versions.items()))
    rows = ((one.variable, one.value, f"({one.origin})") for one in found.settings)
    yield from _section("Settings", table(rows))
    yield from _section("Server", iter([found.server] if found.server else []))
    yield from _section("Database", _database(found))
    yield from _section("Over HTTP", _access(found))
    yield from _section("Models", _models(found))
    yield from _section("Making memories", _calls(found))
    yield from _section("Animas", _animas(found))
    yield from _section("Recall", _recall(found))
    yield from _section("Background jobs", _jobs(found))
    yield from _section("Clients", _clients(found))
    yield from _section("Hooks", _hooks(found))
    for title, severity in _FINDINGS.items():
        shown = (one for one in found.findings if one.severity == severity)
        yield from _section(title, (line(one.explain()) for one in shown))
    if any(one.fixable for one in found.findings):
        yield f"`{PROGRAM} doctor --fix` puts right what it safely can."
    if found.problems:
        yield "Something is wrong."
    else:
        yield "Nothing is wrong." if found.findings else "Everything is in order."


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    shown = [f"  {one}" for one in lines]
    if shown:
        yield from (title, *shown, "")


def _database(found: Checkup) -> Iterator[str]:
    if found.database_note:
        yield found.database_note
    health = found.database
    if health:
        state = "writable" if health.writable else "not writable"
        yield (
            f"{health.engine}, schema {health.schema_version}, {health.size_bytes / _MB:.1f} MB, "
            f"{state}, {counted(len(health.problems), 'problem')}"
        )

    if found.files:
        modes = sorted({one.mode for one in found.files})
        yield f"{counted(len(found.files), 'file')} of mode {', '.join(modes)}"
    if found.disk_free_bytes is not None:
        yield f"{found.disk_free_bytes / _MB:,.0f} MB free on the disk"
    if found.backed_up_at is not None:
        yield f"last backup {when(found.backed_up_at)} UTC"


def _access(found: Checkup) -> Iterator[str]:
    if found.issuer:
        yield f"tokens of {line(found.issuer)} are taken"
    if found.keys_made:
        yield f"{counted(found.keys, 'API key')} of {found.keys_made:,} that were made are good"
    if not (found.issuer or found.keys_made):
        yield "this machine alone is served, and needs no key"


def _models(found: Checkup) -> Iterator[str]:
    yield from table(
        (
            one.role,
            one.name,
            f"{one.dimensions} dimensions" if one.dimensions else "",
            f"ready in {one.load_ms} ms" if one.ready else "NOT USABLE",
        )
        for one in found.embedders
    )
    if found.mode:
        yield f"searches use {found.mode}"
    yield from found.live


def _calls(found: Checkup) -> Iterator[str]:
    if found.writer:
        yield f"memories are made by {_WRITERS.get(found.writer, found.writer)}"
    if found.calls or found.writer not in _WRITERS:
        yield f"{found.tokens_today:,} of the day's {found.daily_tokens:,} tokens are taken"
    if not found.calls:
        return
    head = ("model", "calls", "failed", "tokens in", "tokens out", "cost", "seconds")
    rows = (
        (
            line(one.model),
            f"{one.sum.calls:,}",
            f"{one.sum.failed:,}",
            f"{one.tokens_in:,}",
            f"{one.tokens_out:,}",
            "?" if one.sum.cost_usd is None else f"${one.sum.cost_usd:.4f}",
            f"{one.sum.duration_s:,.1f}",
            when(one.last_at),
        )
        for one in found.calls
    )
    yield from table([(*head, "last call (UTC)"), *rows], right=range(1, len(head)))


def _animas(found: Checkup) -> Iterator[str]:
    if not found.animas:
        return
    head = ("anima", "events", "memories", "knowledge", "dreams", "unindexed", "pending", "score")
    rows = (
        (
            line(one.name),
            f"{one.events:,}",
            f"{one.memories:,}",
            f"{one.knowledge:,}",
            f"{one.dreams:,}",
            f"{one.unindexed:,}",
            f"{one.pending_events:,}",
            f"{one.score:.1f} of {one.threshold:.1f}",
            when(one.last_event_at),
        )
        for one in found.animas
    )
    yield from table([(*head, "last event (UTC)"), *rows], right=range(1, len(head)))
    if bare := sum(one.unindexed for one in found.animas):
        yield (
            f"{counted(bare, 'row')} without a vector: the next search or pack asks for what is"
            " missing, and until then they are found by their words."
        )


def _recall(found: Checkup) -> Iterator[str]:
    if not found.recall:
        return
    head = ("anima", "found", "asked", "by a source alone", "stored", "mode")
    rows = (
        (
            line(one.anima),
            f"{one.found:,}",
            f"{one.asked:,}",
            f"{one.by_source:,}",
            f"{one.rows:,}",
            one.mode,
        )
        for one in found.recall
    )
    yield from table([head, *rows], right=range(1, len(head) - 1))
    missed = [(one.anima, row) for one in found.recall for row in one.missed]
    if missed:
        yield "not among the first ten hits, with the words of a source that were asked for:"
    yield from table(
        (line(anima), row.handle, f"of {row.source}", f'"{row.question}"') for anima, row in missed
    )
    for anima, row in missed[:1]:
        words = ["search", "--anima", anima, row.question]
        yield f"what was found in place of the first: {PROGRAM} {shlex.join(words)}"
    if any("partial" in one.mode for one in found.recall):
        yield "(partial): some rows have no vector yet; a search makes them, then ask again"


def _jobs(found: Checkup) -> Iterator[str]:
    for one in found.workers:
        error = f": {line(one.last_error)}" if one.last_error else ""
        yield f"server {one.owner}  {one.state} since {when(one.since)}{error}"
    yield from table(_job(one) for one in found.jobs)
    if found.queue_age_s is not None:
        yield f"the first in the queue has been due for {found.queue_age_s:,.0f} s"


def _clients(found: Checkup) -> Iterator[str]:
    rows = (
        (one.client, one.file, one.detail if one.state == "works" else one.state, one.command)
        for one in found.clients
    )
    if found.clients:
        yield from table(rows)


def _hooks(found: Checkup) -> Iterator[str]:
    yield from table((one.client, one.file, line(one.detail)) for one in found.hooks)
    yield from map(line, found.diary)


def _job(job: JobRow) -> tuple[str, ...]:
    tried = f"{counted(job.attempts, 'attempt')}, {job.age_s:,.0f} s old"
    return line(job.anima), job.kind, job.state, tried, line(job.last_error or "")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--recall",
        action="store_true",
        help="ask for what is stored by words of its sources, and name what is not found",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="ask the language model one short question, which costs about 150 tokens",
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="put right what is safe: modes of files, what is derived, jobs of ended servers",
    )


COMMAND = Command(
    name="doctor",
    summary="check settings, database, models and background jobs",
    details="Print each setting with its origin, the versions in use, the state of the database "
    "and of the models, what each anima holds and what waits, whether what clients start answers "
    "and their hooks run; "
    "and each finding with its remedy. "
    "The database is compared with itself: SQLite's own checks, its schema with the one that is "
    "made, the words of events with their hashes, rows with the journal, what is packed with the "
    "rows. With --database a backup is "
    "looked at in the same way, by a copy in the folder for temporary files: without --fix it "
    "stays as it is. With --recall each anima, or the one of --anima, is asked for up to 200 of "
    "its memories and pieces of knowledge, by rare words of the events that they were made of. "
    "Exit code 1: something is wrong, or was not found.",
    run=run,
    options=_options,
    examples=(
        "elephantasm-mcp doctor",
        "elephantasm-mcp doctor --recall --anima my-agent",
        "elephantasm-mcp doctor --fix",
        "elephantasm-mcp doctor --database memory-monday.sqlite3 --json",
    ),
)
