"""How sound the memories of real conversations are: `python benchmarks/synthesis.py FILE…`.

The files are those of `elephantasm-mcp bench retrieval`. Each conversation is taken in twice and
dreamed of: by the extractive rules, and by a connected agent that works off its orders. The agent
is a script: it makes one memory of every few turns, a sentence a turn, quoted with another case
and other white space than the turn has. Everything is verified here, with nothing of the package:
quotes are looked up in the turns, and a sentence counts as borne when its words stand in a quote.
"""

import argparse
import re
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import anyio
import numpy as np

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.cli.bench import formats, measures, trial
from elephantasm_mcp.cli.bench.conversations import Conversation
from elephantasm_mcp.memory import animas, dreams, packs, provenance
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.past import StoppedClock
from elephantasm_mcp.ports import Embedder
from elephantasm_mcp.pure.text import words
from elephantasm_mcp.settings import load_settings, use_one_thread
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.memories import StoredMemory
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import MemoryState
from elephantasm_mcp.types.views import DreamReport, OrderedEvent, Trace
from measuring import print_table

MODES = ("extractive", "host")
TOKENS = 2_000
TURNS_A_MEMORY = 6
BORNE = 0.8
"""So much of what a sentence says must stand in one quote."""
SAME = 0.95
"""Memories with this cosine repeat each other."""
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*(?=\s|$|[\"”’])|\n")
_ADDED = re.compile(r"\[[^\]]*\]|\([^)]*said on[^)]*\)")


@dataclass(frozen=True, slots=True)
class Soundness:
    """What became of one conversation in one mode."""

    memories: int
    borne: int
    """Memories of which every sentence is."""
    repeated: int
    """Memories that repeat an earlier one, after deep sleep."""
    deep_changes: int
    coverage: tuple[float, float, float]
    """Evidence in packs of `TOKENS`: of raw events, after synthesis, after deep sleep."""


async def judge(conversation: Conversation, mode: str, *, every: int) -> Soundness:
    """Take a conversation in and dream of it; measure before, between and after."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(database=str(Path(folder) / "memory.sqlite3"), llm=mode)
        async with open_app(settings) as app:
            now = max(turn.time for turn in conversation.turns) + trial.AFTER
            core = replace(app.core, clock=StoppedClock(now))
            await trial.take_in(core, app.user, conversation)
            raw = await covered(core, app, conversation, every=every)
            report = await dreams.run(core, app.user, anima=None, phase="synthesis")
            await work_off(core, app, report)
            made = await living(core, app)
            traces = [await provenance.trace(core, app.user, str(one.memory.id)) for one in made]
            synthesized = await covered(core, app, conversation, every=every)
            deep = await dreams.run(core, app.user, anima=None, phase="deep")
            slept = await covered(core, app, conversation, every=every)
            left = await living(core, app)
            return Soundness(
                memories=len(made),
                borne=sum(is_borne(one, trace) for one, trace in zip(made, traces, strict=True)),
                repeated=repeated([one.memory.summary for one in left], core.sentences),
                deep_changes=len(deep.actions),
                coverage=(raw, synthesized, slept),
            )


async def living(core: Core, app: App) -> list[StoredMemory]:
    """The memories that can be recalled."""
    anima = await animas.find(core, app.user, None)
    listed = await core.database.read(memories.latest_memories, anima, limit=100_000)
    return [one for one in listed if one.memory.state is not MemoryState.ARCHIVED]


async def work_off(core: Core, app: App, report: DreamReport) -> None:
    """Complete the orders of a dream, one after the other, as the scripted agent."""
    while order := report.work_order:
        done = await dreams.complete(
            core, app.user, str(order.id), proposals=proposals(order.events), host="script"
        )
        if done.rejected:
            raise RuntimeError(done.rejected[0].reason)
        report = await dreams.run(core, app.user, anima=None, phase="synthesis")


def proposals(events: Sequence[OrderedEvent]) -> dict[str, object]:
    """What the agent makes of an order: a memory of every few turns, a sentence a turn."""
    return {
        "memories": [
            proposal(events[start : start + TURNS_A_MEMORY])
            for start in range(0, len(events), TURNS_A_MEMORY)
        ]
    }


def proposal(events: Sequence[OrderedEvent]) -> dict[str, object]:
    """A memory of a few turns."""
    told = [(one, most_telling(one.text)) for one in events]
    lines = [f"{one.author} said: {quote}" for one, quote in told]
    return {
        "summary": max(lines, key=len)[:2000],
        "content": "\n".join(lines),
        "importance": 0.5,
        "confidence": 0.8,
        "sources": [
            {"event": one.handle, "quote": "  ".join(quote.upper().split(" "))}
            for one, quote in told
        ],
    }


def most_telling(text: str) -> str:
    """The sentence with the most words."""
    return max(sentences(text), key=lambda one: len(measures.content_words(one)), default=text)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text that say something."""
    return (part for part in map(str.strip, _SENTENCE.findall(text)) if words(part))


def is_borne(one: StoredMemory, trace: Trace) -> bool:
    """Whether all quotes stand in their turns, and every sentence stands in a quote."""
    quoted: list[frozenset[str]] = []
    spoken: set[str] = {"asked", "said"}
    for source in trace.sources:
        spoken |= set(words(source.author or ""))
        said = " ".join(source.content.casefold().split())
        for quote in source.quotes:
            if " ".join(quote.casefold().split()) not in said:
                return False
            quoted.append(frozenset(words(quote)))
    text = _ADDED.sub("", "\n".join(one.memory.content.splitlines()[heading(one) :]))
    return all(
        any(len(said & quote) >= BORNE * len(said) for quote in quoted)
        for said in (measures.content_words(part) - spoken for part in sentences(text))
        if said
    )


def heading(one: StoredMemory) -> int:
    """1 where the first line of a memory says who spoke and when."""
    first = one.memory.content.splitlines()[0]
    return int(re.search(r"\d{4}", first) is not None and '"' not in first)


def repeated(texts: Sequence[str], model: Embedder | None) -> int:
    """How many texts say what an earlier one says, by the sentence model."""
    if model is None or not texts:
        return 0
    vectors = model.encode(texts)
    alike = np.tril(vectors @ vectors.T >= SAME, k=-1)
    return int(alike.any(axis=1).sum())


async def covered(core: Core, app: App, conversation: Conversation, *, every: int) -> float:
    """The mean share of a question's evidence that stands in its pack, in percent."""
    said = {turn.id: measures.content_words(turn.text) for turn in conversation.turns}
    shares: list[float] = []
    for question in conversation.questions[::every]:
        if question.gold:
            asked = PackQuery(query=question.text, max_tokens=TOKENS)
            pack = await packs.compile_pack(core, app.user, asked, patience_s=inf)
            lines = [frozenset(words(line)) for line in pack.as_prompt().splitlines()]
            shares.append(measures.coverage([said[id_] for id_ in question.gold], lines))
    return 100 * statistics.mean(shares)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1, help="ask every so manieth question")
    options = parser.parse_args()
    use_one_thread()
    for file in options.files:
        conversations = list(formats.read_file(file))
        for mode in MODES:
            found = [
                anyio.run(lambda one=one, mode=mode: judge(one, mode, every=options.every))
                for one in conversations
            ]
            made = sum(one.memories for one in found)
            borne = 100 * sum(one.borne for one in found) / made
            raw, synthesized, slept = (
                statistics.mean(column)
                for column in zip(*(one.coverage for one in found), strict=True)
            )
            print_table(
                f"{file.name}, {len(found)} conversations, {mode}",
                [
                    (f"memories ({made}) with every sentence borne", f"{borne:.1f} %", "≥ 90 %"),
                    ("repeating another", str(sum(one.repeated for one in found)), "0"),
                    ("changes by deep sleep", str(sum(one.deep_changes for one in found)), ""),
                    (f"evidence in packs of {TOKENS} tokens, raw events", f"{raw:.1f} %", ""),
                    ("after synthesis", f"{synthesized:.1f} %", "not less"),
                    ("after deep sleep", f"{slept:.1f} %", "not less"),
                ],
            )


if __name__ == "__main__":
    main()
