"""Any sequence of telling, dreaming, curating, undoing and forgetting leaves a sound anima.

Replaying the journal gives the rows, undoing what can be undone is exact, each event waits or was
consumed once, what lost its memory with another's words waits again, and a forgotten word is in no
file.
"""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.memory import curation, dreams, forgetting, index, packs, plans, uses
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.synthesis.fakes import AnsweringModel
from elephantasm_mcp.types.proposals import Proposals
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import Curation, ForgetRequest
from scenes import (
    DAY,
    FILE,
    MINUTE,
    CrashError,
    EachEvent,
    check_consumption,
    check_counters,
    check_index,
    fragile,
    look,
    open_core,
    propose,
    tell,
)

ROWS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 3)),
    st.tuples(st.just("dream"), st.sampled_from(["synthesis", "auto", "light", "deep"])),
    st.tuples(st.just("advise"), ROWS),
    st.tuples(st.just("plan"), ROWS),
    st.tuples(st.just("wait"), st.sampled_from([1, 40])),
    st.tuples(
        st.just("curate"),
        st.tuples(
            st.sampled_from("mk"),
            ROWS,
            st.sampled_from(["correct", "pin", "unpin", "archive", "restore", "settle"]),
        ),
    ),
    st.tuples(st.just("undo"), ROWS),
    st.tuples(st.just("forget"), st.tuples(st.sampled_from("eemk"), ROWS)),
    st.tuples(st.just("read"), st.none()),
    st.tuples(st.just("crash"), st.integers(0, 60)),
)


class Pairs(EachEvent):
    """Also makes a memory of each two events that follow each other."""

    async def synthesize(self, batch):
        one_each = await super().synthesize(batch)
        both = [
            propose(f"Both {first.text} {second.text}", first.handle, second.handle)
            for first, second in zip(batch.events, batch.events[1:], strict=False)
        ]
        return Proposals(memories=[*one_each.memories, *both])


class Story:
    """An anima, and the words that were said and forgotten in it."""

    def __init__(self, core, folder, clock):
        self.core, self.folder, self.clock = core, folder, clock
        self.said = 0
        self.break_at = None

    async def do(self, step, argument):
        self.clock.move(MINUTE)
        await getattr(self, step)(argument)

    async def tell(self, number):
        texts = [f"word{self.said + one:03}x is said" for one in range(number)]
        self.said += number
        await tell(self.core, *texts, session_id="s")

    async def dream(self, phase):
        await dreams.run(await self._core(), LOCAL_USER, anima=None, phase=phase)

    async def advise(self, number):
        """A night in which a language model says what to do to the first rows."""
        await index.index_pending(self.core, 1)
        model = AnsweringModel(lambda _: {"operations": list(_advice(number))})
        core = replace(await self._core(), model=model)
        await dreams.run(core, LOCAL_USER, anima=None, phase="deep")

    async def plan(self, number):
        await index.index_pending(self.core, 1)
        model = AnsweringModel(lambda _: {"operations": list(_advice(number))})
        core = replace(await self._core(), model=model)
        planned = await plans.dry_run(core, LOCAL_USER, anima=None)
        await plans.complete(core, LOCAL_USER, planned.plan.id, accept=[1, number], actor="user")

    async def wait(self, days):
        self.clock.move(days * DAY)

    async def curate(self, argument):
        letter, number, action = argument
        content = f"corrected {self.said}" if action == "correct" else None
        request = Curation(handle=f"{letter}{number}", action=action, content=content)
        await curation.curate(await self._core(), LOCAL_USER, request)

    async def undo(self, number):
        await dreams.undo(await self._core(), LOCAL_USER, f"d{number}")

    async def forget(self, argument):
        before = remembered(self.folder / FILE)
        request = ForgetRequest(handles=(f"{argument[0]}{argument[1]}",))
        report = await forgetting.forget(await self._core(), LOCAL_USER, request, confirmed=True)
        left = dict(look(self.folder / FILE, "SELECT 'e' || (id & 4294967295), state FROM events"))
        lost = (before - remembered(self.folder / FILE)) & left.keys()
        assert lost - set(report.kept_sources) == set(report.given_back)
        assert {left[one] for one in report.given_back} <= {"pending"}

    async def read(self, _):
        await packs.compile_pack(self.core, LOCAL_USER, PackQuery(), client="me")
        await uses.flush(self.core)
        await index.index_pending(self.core, 1)

    async def crash(self, statements):
        self.break_at = statements

    async def _core(self):
        """The core; after a `crash` one whose next write breaks in the middle."""
        if self.break_at is None:
            return self.core
        broken, database = fragile(self.core)
        database.break_at, self.break_at = self.break_at, None
        return broken


def _advice(number):
    yield {"kind": "merge", "keep": f"m{number}", "others": [f"m{number + 1}"]}
    yield {"kind": "merge", "keep": f"k{number}", "others": [f"k{number + 1}"]}
    yield {"kind": "conflict", "first": "k1", "second": f"k{number + 2}", "question": "Which?"}
    yield {"kind": "reclassify", "target": f"k{number + 1}", "knowledge_type": "METHOD"}
    yield {"kind": "archive", "target": f"m{number + 2}"}


def replayed(path):
    """The rows that the journal gives, from nothing."""
    rows = {}
    found = look(
        path, "SELECT layer, row_id, after, forgotten FROM dream_actions ORDER BY position"
    )
    for layer, row, after, forgotten in found:
        if after is not None:
            rows[layer, row] = json.loads(after)
        elif not forgotten:
            rows.pop((layer, row), None)
    gone = set(look(path, "SELECT layer, id FROM forgotten"))
    return {
        key: row
        for key, row in rows.items()
        if key not in gone and key[0] in ("memory", "knowledge")
    }


def remembered(path):
    """The events that a memory speaks of which nothing took the place of, nor put away."""
    found = look(
        path,
        "SELECT DISTINCT 'e' || (source_id & 4294967295) FROM links JOIN memories USING (id)"
        " WHERE layer = 'memory' AND source_layer = 'event'"
        " AND superseded_by IS NULL AND state <> 'archived'",
    )
    return {handle for (handle,) in found}


def stored(path):
    """The same rows, as they are."""
    links = {}
    for layer, id_, source_layer, source, quote in look(
        path, "SELECT layer, id, source_layer, source_id, quote FROM links ORDER BY 1, 2, position"
    ):
        links.setdefault((layer, id_), []).append([source_layer, source, quote])
    rows = {}
    for layer, table, text in (
        ("memory", "memories", "summary"),
        ("knowledge", "knowledge", "content"),
    ):
        for id_, words, superseded, version in look(
            path,
            f"SELECT id, {text}, superseded_by, version FROM {table}",  # noqa: S608
        ):
            rows[layer, id_] = (words, superseded, version, links.get((layer, id_), []))
    return rows


def shortened(rows):
    return {
        (layer, id_): (
            row["summary" if layer == "memory" else "content"],
            row["superseded_by"],
            row["version"],
            row["links"],
        )
        for (layer, id_), row in rows.items()
    }


def check(folder, said):
    path = folder / FILE
    assert shortened(replayed(path)) == stored(path)
    check_consumption(path)
    check_counters(path)
    check_index(path)
    events = {content for (content,) in look(path, "SELECT content FROM events")}
    bytes_ = b"".join(file.read_bytes() for file in folder.iterdir())
    if look(path, "SELECT count(*) FROM forgotten WHERE layer = 'event'") != [(0,)]:
        for number in range(said):
            word = f"word{number:03}x"
            if not any(word in content for content in events):
                assert word.encode() not in bytes_, word


async def play(folder, steps):
    clock = FakeClock()
    async with open_core(folder / FILE, clock=clock, synthesizer=Pairs()) as core:
        await index.load_embedders(core)
        story = Story(core, folder, clock)
        await story.do("tell", 3)
        await story.do("dream", "synthesis")
        for step, argument in steps:
            with suppress(ElephantasmError, CrashError):
                await story.do(step, argument)
            check(folder, story.said)
        await forgetting.finish(core)
        check(folder, story.said)


def test_any_sequence_leaves_rows_that_the_journal_gives_and_no_forgotten_word(thorough):
    """In the long run, `--thorough 40`, a thousand sequences."""

    @settings(max_examples=25 * thorough, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, max_size=12))
    def holds(steps):
        with TemporaryDirectory() as folder:
            anyio.run(play, Path(folder), steps)

    holds()
