"""Plans: what deep or light sleep would do, and doing what was accepted of it."""

from datetime import timedelta

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import dreams, plans
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.wording import plan_text
from scenes import DAY, FILE, add_user, derived_rows, look, tamper
from sleeping import sleep, told, verbatim


@pytest.fixture
async def core(core, clock):
    """An anima in which a merge and an update are to do, and enough other rows."""
    core = verbatim(core)
    await told(core, clock, "Tea is hot.", "Tea is hot!", "Nadia lives in Cluj.")
    await told(core, clock, "Nadia moved to Oslo.", *[f"Number {n} is fine." for n in range(16)])
    return core


async def dry(core, **options):
    return await plans.dry_run(core, LOCAL_USER, anima=None, **options)


async def complete(core, report, *accept):
    return await plans.complete(core, LOCAL_USER, report.plan.id, accept=accept, actor="agent")


async def test_a_dry_run_is_a_numbered_diff_and_changes_nothing(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await dry(core)
    assert (report.state, report.handle, report.actions) == ("planned", "", [])
    assert report.plan.expires_at == core.clock.now() + DAY
    assert plan_text(report.plan).splitlines()[1:] == [
        "1. merge: k2 says the same as k1.",
        "   - k2: [FACT] Tea is hot!",
        "2. supersede: Said on 5 March 2026, after k3: Nadia moved to Oslo.",
        "   - k3: [FACT] Nadia lives in Cluj.",
    ]
    assert derived_rows(tmp_path / FILE) == before
    assert [one.handle for one in await dreams.journal(core, LOCAL_USER)] == ["d2", "d1"]


async def test_what_is_accepted_is_done_and_nothing_else(core):
    report = await complete(core, await dry(core), 2)
    assert (report.phase, report.actor, report.handle) == ("deep", "agent", "d3")
    assert [(one.operation, one.handle) for one in report.actions] == [("supersede", "k3")]
    assert ([one.index for one in report.accepted], report.rejected) == ([2], [])
    assert (await sleep(core)).counts == {"merged": 1}


async def test_an_operation_whose_rows_changed_meanwhile_is_refused_alone(core, tmp_path):
    planned = await dry(core)
    tamper(tmp_path / FILE, "UPDATE knowledge SET content = 'Tea is cold.' WHERE id & 255 = 2")
    report = await complete(core, planned, 1, 2, 9)
    assert [one.index for one in report.accepted] == [2]
    assert [(one.index, one.reason) for one in report.rejected] == [
        (1, "k2 changed meanwhile."),
        (9, "The plan has no such number."),
    ]


async def test_a_plan_is_completed_once_within_a_day_and_by_its_owner(core, clock, tmp_path):
    planned = await dry(core)
    with pytest.raises(ValidationError, match="no number 7; it has 1 to 2"):
        await complete(core, planned, 7)
    with pytest.raises(NotFoundError):
        await plans.complete(
            core, add_user(tmp_path / FILE), planned.plan.id, accept=[1], actor="user"
        )
    await complete(core, planned, 1)
    with pytest.raises(ConflictError, match="completed before"):
        await complete(core, planned, 2)
    late = await dry(core)
    clock.move(timedelta(hours=24))
    with pytest.raises(ConflictError, match="expired"):
        await complete(core, late, 1)
    for name in ("d1", "nonsense", "00000000-0000-7000-8000-000000000099"):
        with pytest.raises(NotFoundError):
            await plans.complete(core, LOCAL_USER, name, accept=[1], actor="user")


async def test_accepting_nothing_closes_a_plan_and_stands_in_the_journal(core, tmp_path):
    before, planned = derived_rows(tmp_path / FILE), await dry(core)
    report = await complete(core, planned)
    assert (report.actions, report.note) == ([], "Nothing of the plan was accepted.")
    assert derived_rows(tmp_path / FILE) == before
    with pytest.raises(ConflictError):
        await complete(core, planned, 1)


async def test_completing_is_undone_like_any_dream(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    await complete(core, await dry(core), 1, 2)
    await dreams.undo(core, LOCAL_USER, "d3")
    assert derived_rows(tmp_path / FILE) == before


async def test_synthesis_makes_no_plan_and_says_what_to_do_instead(core):
    with pytest.raises(ValidationError, match="Synthesis has no dry run") as caught:
        await dry(core, phase="synthesis")
    assert caught.value.field == "phase"
    assert "undo_dream" in caught.value.hint


@pytest.fixture
async def faded(core, clock, tmp_path):
    """Light sleep would let m1 decay, and archive m2 and m3, which are decaying already."""
    tamper(tmp_path / FILE, "UPDATE memories SET importance = 0.1 WHERE id & 255 <= 2")
    tamper(tmp_path / FILE, "UPDATE memories SET state = 'decaying' WHERE id & 255 IN (2, 3)")
    clock.move(100 * DAY)
    return core


async def test_a_dry_run_of_light_sleep_says_what_it_would_do_and_changes_nothing(faded, tmp_path):
    before = look(tmp_path / FILE, "SELECT * FROM memories")
    report = await dry(faded, phase="light")
    assert (report.phase, report.state, report.actions) == ("light", "planned", [])
    assert plan_text(report.plan).splitlines()[1:] == [
        "1. decay: Not used for long: decay 0.93, importance 0.1.",
        "   - m1: [active] On occasion e1 somebody mentioned this: Tea is hot.",
        "   + m1: [decaying] On occasion e1 somebody mentioned this: Tea is hot.",
        "2. archive: Not used for long: decay 0.93, importance 0.1.",
        "   - m2: [decaying] On occasion e2 somebody mentioned this: Tea is hot!",
        "3. archive: Not used for long: decay 0.93, importance 0.5.",
        "   - m3: [decaying] On occasion e3 somebody mentioned this: Nadia lives in Cluj.",
    ]
    assert look(tmp_path / FILE, "SELECT * FROM memories") == before


async def test_of_light_sleep_too_what_is_accepted_is_done_and_nothing_else(faded):
    report = await complete(faded, await dry(faded, phase="light"), 2)
    assert (report.phase, report.counts) == ("light", {"archived": 1})
    assert [(one.operation, one.handle) for one in report.actions] == [("fade", "m2")]
    planned = await dry(faded, phase="light")
    assert [one.operation for one in planned.plan.steps] == ["decay", "archive"]


async def test_a_dry_run_of_light_sleep_is_what_light_sleep_then_does(faded):
    steps = (await dry(faded, phase="light")).plan.steps
    done = await dreams.run(faded, LOCAL_USER, anima=None, phase="light")
    assert [one.reasoning for one in done.actions] == [one.reasoning for one in steps]


async def test_a_memory_that_was_used_meanwhile_is_refused_alone(faded, tmp_path):
    planned = await dry(faded, phase="light")
    used = "INSERT INTO accesses VALUES ((1 << 32) + 1, 1, 0)"
    tamper(tmp_path / FILE, used)
    report = await complete(faded, planned, 1, 2)
    assert [one.index for one in report.accepted] == [2]
    assert [(one.index, one.reason) for one in report.rejected] == [(1, "m1 changed meanwhile.")]


async def test_a_plan_of_light_sleep_is_completed_once(faded):
    planned = await dry(faded, phase="light")
    assert (await complete(faded, planned)).note == "Nothing of the plan was accepted."
    with pytest.raises(ConflictError, match="completed before"):
        await complete(faded, planned, 1)
