"""Replaying the journal from nothing gives the state, whatever was dreamt and taken back."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.errors import ConflictError, NotFoundError
from elephantasm_mcp.memory import animas, conflicts, dreams, forgetting, index, plans
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.memory.ledger import Run
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.values import from_json
from elephantasm_mcp.synthesis.fakes import AnsweringModel
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import ForgetRequest
from scenes import DAY, FILE, MINUTE, look, open_core, tell
from sleeping import Verbatim

SAID = st.sampled_from(
    [
        "Nadia lives in Cluj.",
        "Nadia moved to Oslo.",
        "Nadia lives in Turin now.",
        "Tea is hot.",
        "Tea is hot!",
        "The deadline is 5 May.",
        "The deadline is 7 May.",
        "Bo no longer smokes.",
        "Bo smokes.",
        "Bo keeps bees and sells honey.",
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), SAID),
        st.tuples(st.just("dream"), st.sampled_from(["synthesis", "light", "deep", "auto"])),
        st.tuples(st.just("model"), st.integers(1, 9)),
        st.tuples(st.just("plan"), st.integers(1, 3)),
        st.tuples(st.just("settle"), st.booleans()),
        st.tuples(st.just("undo"), st.integers(1, 9)),
        st.tuples(st.just("forget"), st.integers(1, 9)),
        st.tuples(st.just("wait"), st.integers(1, 60)),
    ),
    min_size=3,
    max_size=14,
)
TABLES = {"memory": "memories", "knowledge": "knowledge", "identity": "identities"}
TABLES["conflict"] = "conflicts"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_the_journal_replayed_is_the_state(tmp_path_factory, steps):
    folder, clock = tmp_path_factory.mktemp("replay"), FakeClock()
    async with open_core(folder / FILE, clock=clock, synthesizer=Verbatim()) as core:
        for step, value in [("tell", "Tea is hot."), ("dream", "synthesis"), *steps]:
            with suppress(ConflictError):
                await do(core, clock, step, value)
            clock.move(MINUTE)
        assert replayed(folder / FILE) == await state(core, folder / FILE)


async def do(core, clock, step, value):  # noqa: C901 - one arm a step
    match step:
        case "tell":
            await tell(core, value, occurred_at=clock.now())
            clock.move(6 * MINUTE)
        case "dream":
            await dreams.run(core, LOCAL_USER, anima=None, phase=value)
        case "model":
            await index.index_pending(core, 1)
            model = AnsweringModel(lambda _: {"operations": list(advice(value))})
            await dreams.run(replace(core, model=model), LOCAL_USER, anima=None, phase="deep")
        case "plan":
            planned = await plans.dry_run(core, LOCAL_USER, anima=None)
            if len(planned.plan.steps) >= value:
                await plans.complete(
                    core, LOCAL_USER, planned.plan.id, accept=[value], actor="user"
                )
        case "settle":
            await settle(core, first=value)
        case "undo":
            journal = await dreams.journal(core, LOCAL_USER)
            if len(journal) >= value:
                await dreams.undo(core, LOCAL_USER, journal[value - 1].handle)
        case "forget":
            with suppress(NotFoundError):
                request = ForgetRequest(handles=(f"e{value}",))
                await forgetting.forget(core, LOCAL_USER, request, confirmed=True)
        case "wait":
            clock.move(value * DAY)


def advice(number):
    """What a model may say of the first rows."""
    yield {"kind": "refine", "target": f"k{number}", "text": "Tea is hot, they say."}
    yield {"kind": "merge", "keep": f"m{number}", "others": [f"m{number + 1}"]}
    yield {"kind": "reclassify", "target": f"k{number + 1}", "knowledge_type": "METHOD"}
    yield {"kind": "retire", "target": f"k{number + 2}"}


async def settle(core, *, first):
    anima, now = await animas.find(core, LOCAL_USER, None), core.clock.now()
    for one in (await core.database.read(conflicts.open_of, anima))[:1]:
        run = Run(uuid=core.ids.uuid(), phase="curate", actor="user", started_at=now)
        keep = one.first.handle if first else None
        await core.database.write(conflicts.settle, anima, one.handle, run, keep=keep, now=now)


def replayed(path):
    """What the actions of the journal, in order, leave of each row that was not forgotten."""
    rows, unknown = {}, set(look(path, "SELECT layer, id FROM forgotten"))
    actions = "SELECT layer, row_id, before, after, forgotten FROM dream_actions ORDER BY position"
    for layer, id_, before, after, forgotten in look(path, actions):
        known = None if before is None else from_json(before)
        assert forgotten or (layer, id_) in unknown or rows.get((layer, id_)) == known
        rows[layer, id_] = None if after is None else from_json(after)
        (unknown.add if forgotten and after is None else unknown.discard)((layer, id_))
    return {key: row for key, row in rows.items() if row is not None}


async def state(core, path):
    found = {}
    for layer, table in TABLES.items():
        for (id_,) in look(path, f"SELECT id FROM {table}"):  # noqa: S608 - our own names
            found[layer, id_] = await core.database.read(memories.read_snapshot, layer, id_)
    return found
