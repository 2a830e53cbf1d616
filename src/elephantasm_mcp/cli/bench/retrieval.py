"""`bench retrieval`: how much of what was asked for is found, beside the usual ways to search."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.cli.commands import Command, whole_number
from elephantasm_mcp.cli.output import progress, say, say_json
from elephantasm_mcp.errors import ValidationError

if TYPE_CHECKING:
    from elephantasm_mcp.cli.bench.conversations import Conversation
    from elephantasm_mcp.cli.bench.report import Benchmark

MOST = 1_000_000


def run(arguments: Namespace) -> int:
    """Read the files twice, first to check and to count them, and print what was measured."""
    from elephantasm_mcp.cli.bench.report import as_json, as_lines

    questions = sum(len(one.questions) for one in _conversations(arguments))
    if not questions:
        raise ValidationError(
            "The files have no question whose evidence is in its conversation.",
            hint="Name a benchmark's file with turns and questions.",
        )
    benchmarks = anyio.run(_measure, arguments, questions)
    if arguments.json:
        say_json(as_json(benchmarks))
    else:
        for one in as_lines(benchmarks):
            say(one)
    return 0


async def _measure(arguments: Namespace, questions: int) -> list[Benchmark]:
    from elephantasm_mcp.cli.bench import trial
    from elephantasm_mcp.cli.bench.report import Benchmark

    models = trial.choose_models(arguments.embedder)
    benchmarks: dict[str, Benchmark] = {}
    asked = 0
    with progress("measuring", total=questions, unit=" questions") as on_progress:

        def on_step() -> None:
            nonlocal asked
            asked += 1
            on_progress(asked)

        for one in _conversations(arguments):
            outcomes = await trial.run(one, models, on_step=on_step) if one.questions else []
            name = one.benchmark
            benchmarks.setdefault(name, Benchmark(name)).add(one, outcomes)
    return list(benchmarks.values())


def _conversations(arguments: Namespace) -> Iterator[Conversation]:
    """The conversations of all files, one after another: only one is held in memory."""
    from elephantasm_mcp.cli.bench.formats import read_file

    for path in arguments.files:
        yield from islice(read_file(path), arguments.limit)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="a benchmark's file, as published"
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=whole_number(least=1, most=MOST),
        help="measure the first N conversations of each file alone (default: all)",
    )
    parser.add_argument(
        "--embedder",
        metavar="NAME",
        default="auto",
        help="the models to search with: auto, static, none or openai[:MODEL] (default: "
        "%(default)s, whatever the settings say)",
    )


COMMAND = Command(
    name="retrieval",
    summary="what is found of LoCoMo, LongMemEval or BEAM, beside full-text search",
    details="Take each conversation of a benchmark into a temporary database, ask its questions, "
    "and print how much of the evidence is found: by this memory, by plain full-text search "
    "(FTS5), and by reciprocal rank fusion of it with the sentence model. Reads the published "
    "files as they are: locomo10.json, longmemeval_s.json (_m, _oracle), a chat.json of BEAM with "
    "its probing_questions beside it, rows of BEAM's dataset saved as JSON, and the files of "
    "`import bench` with `questions`. The result depends on nothing but the data.",
    run=run,
    options=_options,
    examples=(
        "elephantasm-mcp bench retrieval locomo10.json",
        "elephantasm-mcp bench retrieval longmemeval_s.json --limit 20 --json",
        "elephantasm-mcp bench retrieval chats/100K/*/chat.json",
    ),
    shared=("--json",),
)
