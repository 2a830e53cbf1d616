"""`search`: find what was said or learned."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command, end_moment, moment, whole_number
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import hanging, line, note, say, say_json, table
from elephantasm_mcp.types.reading import SearchHit
from elephantasm_mcp.types.records import LAYER_LETTERS
from elephantasm_mcp.wording import MAX_WEAK_LINES, weak_heading

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm

LAYERS = tuple(LAYER_LETTERS.values())


async def search(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Print the hits, best first; of the weak ones a few, last."""
    hits = await memory.search(
        arguments.query,
        anima_id=arguments.anima,
        layers=tuple(arguments.layer or LAYERS),
        session_id=arguments.session,
        since=arguments.since,
        until=arguments.until,
        include_archived=arguments.archived,
        limit=arguments.limit,
    )
    if arguments.json:
        say_json({"hits": list(hits), "mode": hits.mode, "weak": hits.weak})
        return 0
    strong = [hit for hit in hits if not hit.weak]
    weak = [hit for hit in hits if hit.weak]
    shown = [*strong, *weak[:MAX_WEAK_LINES]]
    for head, hit in zip(table(map(_head, shown), right=(2,)), shown, strict=True):
        say(hanging(f"{head}  ", line(hit.text)))
    if hits.weak:
        note("Nothing clearly matches." if hits else "Nothing was found.")
    if len(weak) > MAX_WEAK_LINES:
        note(f"{weak_heading(shown=MAX_WEAK_LINES, of=len(weak))}; --json has all.")
    note(f"mode: {hits.mode}")
    return 0


def _head(hit: SearchHit) -> tuple[str, ...]:
    day = hit.occurred_at.date().isoformat() if hit.occurred_at else "undated"
    return hit.handle, day, f"{hit.score:.2f}", "weak" if hit.weak else "    "


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", help="words, or a question")
    parser.add_argument(
        "--layer",
        choices=LAYERS,
        action="append",
        help="search this layer alone; may be repeated (default: all)",
    )
    parser.add_argument("--session", metavar="ID", help="only what belongs to this conversation")
    parser.add_argument("--since", metavar="TIME", type=moment, help="only from this time on")
    parser.add_argument(
        "--until",
        metavar="TIME",
        type=end_moment,
        help="only up to this time; a day means all of that day (UTC)",
    )
    parser.add_argument("--archived", action="store_true", help="archived memories as well")
    parser.add_argument(
        "--limit",
        metavar="N",
        type=whole_number(least=1, most=200),
        default=10,
        help="how many hits at most (default: %(default)s)",
    )


COMMAND = Command(
    name="search",
    summary="find events, memories and knowledge, by words and by meaning",
    details="Print the hits, best first: handle, day, score, text. A weak one is below the "
    "relevance floor and probably does not answer; at most three of them are printed, last.",
    run=with_memory(search),
    options=_options,
    examples=(
        "elephantasm-mcp search 'who signs off the schema?'",
        "elephantasm-mcp search allergies --layer knowledge --json",
    ),
)
