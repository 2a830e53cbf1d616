"""How long light sleep takes over 100,000 memories, and a plan of deep sleep over 10,000.

In process, over memories and knowledge that were written past the synthesizer, with the vectors of
the bundled word model. A language model is asked that proposes nothing: its time is not in it.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from elephantasm_mcp.app import App, open_app
from elephantasm_mcp.memory import animas, dreams, index, ledger, plans
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.settings import load_settings, use_one_thread
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.values import to_micros
from elephantasm_mcp.synthesis.fakes import AnsweringModel
from measuring import print_table

LIGHT_MEMORIES = 100_000
DEEP_MEMORIES = 10_000
ROUNDS = 3
BATCH = 2_000
WHO = ["Nadia", "Bogdan", "Ines", "Tomasz", "Mei", "Omar", "Priya", "Lars"]
DID = ["moved", "wrote", "sold", "repaired", "tested", "drew", "measured", "praised"]
WHAT = ["the billing service", "an invoice parser", "the old harbour map", "two espresso machines"]
WHERE = ["in Cluj", "for the spring release", "after the audit", "with the night shift", "at home"]


def line(number: int) -> str:
    """A memory's line, much like others and unlike all."""
    who, did = WHO[number % 8], DID[number // 8 % 8]
    what, where = WHAT[number // 64 % 4], WHERE[number // 256 % 5]
    return f"{who} {did} {what} {where}, as item {number} of the log says."


def add(tx: Tx, app: App, numbers: Sequence[int], *, knowledge: bool) -> None:
    """Memories, each with a fact if asked for, as one dream makes them."""
    anima, now = anima_store.find(tx, app.user, app.core.default_anima), app.core.clock.now()
    if anima is None:
        raise LookupError
    common: Snapshot = {
        "version": 1,
        "confidence": 0.8,
        "provisional": 0,
        "synthesizer": "benchmark",
        "pinned": 0,
        "trust": "told",
        "superseded_by": None,
        "created_at": to_micros(now),
        "updated_at": to_micros(now),
        "links": [],
    }
    changes: list[Change] = []
    for number in numbers:
        text = line(number)
        memory: Snapshot = {
            **common,
            "uuid": app.core.ids.uuid().hex,
            "summary": text,
            "content": text,
            "importance": 0.2 + number % 7 / 10,
            "state": "active",
            "time_start": to_micros(now),
            "time_end": to_micros(now) - number * 1_000_000,
            "session_id": None,
            "meta": "{}",
        }
        memory_id = anima_store.take_number(tx, anima.anima_no, "memory")
        changes.append(Change("memory", memory_id, memory, "synthesize"))
        if knowledge:
            fact: Snapshot = {
                **common,
                "uuid": app.core.ids.uuid().hex,
                "type": "FACT",
                "content": text,
                "valid_from": to_micros(now),
                "valid_until": None,
                "memory_id": memory_id,
                "archived": 0,
            }
            fact_id = anima_store.take_number(tx, anima.anima_no, "knowledge")
            changes.append(Change("knowledge", fact_id, fact, "synthesize"))
    run = Run(app.core.ids.uuid(), "synthesis", "benchmark", now)
    ledger.apply(tx, anima, ledger.open_dream(tx, anima, run, now=now), changes, counts={}, now=now)


async def fill(app: App, count: int, *, knowledge: bool) -> None:
    """An anima with so many memories."""
    await animas.resolve(app.core, app.user, None)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        await app.core.database.write(add, app, numbers, knowledge=knowledge)


async def light(folder: Path) -> list[float]:
    """Seconds of light sleep, run by run."""
    settings = load_settings(database=str(folder / "memory.sqlite3"), embedder="none")
    async with open_app(settings) as app:
        await fill(app, LIGHT_MEMORIES, knowledge=False)
        taken: list[float] = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await dreams.run(app.core, app.user, anima=None, phase="light")
            taken.append(time.perf_counter() - started)
        return taken


async def deep(folder: Path, *, knowledge: bool) -> list[float]:
    """Seconds of a plan of deep sleep, run by run."""
    settings = load_settings(database=str(folder / "memory.sqlite3"), embedder="static")
    async with open_app(settings) as app:
        await fill(app, DEEP_MEMORIES, knowledge=knowledge)
        core = replace(app.core, model=AnsweringModel(lambda _: {"operations": []}))
        await index.load_embedders(core)
        await index.index_pending(core, (await animas.find(core, app.user, None)).anima_no)
        taken: list[float] = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await plans.dry_run(core, app.user, anima=None)
            taken.append(time.perf_counter() - started)
        return taken


def main() -> None:
    """Measure and print."""
    use_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        light_s = min(anyio.run(light, Path(folder)))
    plans_s: list[float] = []
    for knowledge in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            run = partial(deep, Path(folder), knowledge=knowledge)
            plans_s.append(min(anyio.run(run)))
    print_table(
        "Dreaming",
        [
            (f"light sleep over {LIGHT_MEMORIES:,} memories", f"{light_s:.2f} s", "≤ 1 s"),
            (f"a plan over {DEEP_MEMORIES:,} memories", f"{plans_s[0]:.2f} s", "≤ 2 s"),
            ("the same with as many facts", f"{plans_s[1]:.2f} s", ""),
        ],
    )


if __name__ == "__main__":
    main()
