"""Deep sleep by rules: what is merged, what is superseded, what is asked, what is left alone."""

import pytest

from elephantasm_mcp.memory import animas, deep_sleep, dreams, plans
from elephantasm_mcp.memory.dreams import WORKER
from elephantasm_mcp.store import conflicts
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, Trust
from pairs import ALIKE, SAME, UPDATES, drawn
from scenes import DAY, FILE, MINUTE, derived_rows, look, tamper
from sleeping import asleep, sleep, told, verbatim


@pytest.fixture
def core(core):
    return verbatim(core)


async def undo(core, handle):
    return await dreams.undo(core, LOCAL_USER, handle)


def knowledge(tmp_path):
    """What knowledge says, what superseded it, and whether it was put away."""
    rows = "SELECT id & 255, ifnull(superseded_by & 255, 0), archived FROM knowledge ORDER BY id"
    return look(tmp_path / FILE, rows)


# What says the same


async def test_the_same_truth_said_again_raises_support_instead_of_adding_a_row(
    core, clock, tmp_path
):
    await told(core, clock, "Nadia is allergic to hazelnuts.", "Nadia has a hazelnut allergy.")
    report = await sleep(core)
    assert report.counts == {"merged": 1}
    assert knowledge(tmp_path) == [(1, 0, 0), (2, 1, 0)]
    kept, gone = report.actions
    assert (kept.handle, gone.handle, gone.after["superseded_by"]) == ("k1", "k2", "k1")
    assert kept.after["content"] == "Nadia is allergic to hazelnuts."
    assert [one["source"] for one in kept.after["sources"]] == ["e1", "e2"]
    assert kept.after["confidence"] == pytest.approx(0.96)
    assert kept.reasoning == "k2 says the same as k1."
    assert (kept.operation, kept.sources, kept.model) == ("merge", ["k1", "k2"], "")


async def test_support_by_the_same_event_does_not_make_surer(core, clock, tmp_path):
    await told(core, clock, "Tea is hot.", "Tea is hot!")
    tamper(tmp_path / FILE, "UPDATE links SET source_id = source_id & ~255 | 1")
    assert (await sleep(core)).actions[0].after["confidence"] == 0.8


async def test_memories_that_another_one_tells_in_full_give_way(core, clock, tmp_path):
    await told(
        core,
        clock,
        'Ann, 3 May 2026. Ann: "I like tea." "I keep bees."',
        'Ann, 9 May 2026, about tea. Ann: "I like tea!"',
        'Ann, 9 May 2026. Ann: "I like rum."',
    )
    await sleep(core)
    rows = look(tmp_path / FILE, "SELECT id & 255, superseded_by & 255 FROM memories ORDER BY id")
    assert rows == [(1, None), (2, 1), (3, None)]


async def test_the_same_thing_that_happened_on_two_days_happened_twice(core, clock):
    await told(core, clock, "Nadia visited the dentist.", "Nadia visited the dentist.")
    assert (await sleep(core)).counts == {}


async def test_what_was_only_reported_does_not_merge_with_what_was_told(core, clock):
    await told(core, clock, "Tea is hot.")
    await told(core, clock, "Tea is hot!", source_uri="https://example.org")
    assert (await sleep(core)).counts == {}


async def test_what_may_mean_either_of_two_does_not_bring_them_together(core, clock, tmp_path):
    await told(core, clock, "Nadia loves turkey.", "nadia loves turkey", "Nadia loves Turkey.")
    await sleep(core)
    assert knowledge(tmp_path) == [(1, 0, 0), (2, 1, 0), (3, 0, 0)]


async def test_a_truth_that_came_back_is_not_merged_over_what_held_between(core, clock, tmp_path):
    await told(
        core,
        clock,
        "Nadia lives in Cluj.",
        "Nadia lives in Oslo now.",
        "Nadia lives in Cluj now.",
    )
    for _ in range(3):
        await sleep(core)
    assert knowledge(tmp_path) == [(1, 2, 0), (2, 3, 0), (3, 0, 0)]


# What holds no longer


async def test_a_newer_truth_supersedes_the_older_one_and_both_stay_traceable(
    core, clock, tmp_path
):
    since = clock.now() + DAY
    await told(
        core, clock, "Nadia's favourite tea is Assam.", "Nadia's favourite tea is now Oolong."
    )
    report = await sleep(core)
    (action,) = report.actions
    assert (report.counts, action.handle) == ({"superseded": 1}, "k1")
    assert action.after["superseded_by"] == "k2"
    assert action.after["valid_until"] == since.isoformat()
    assert action.sources == ["k2"]
    assert knowledge(tmp_path) == [(1, 2, 0), (2, 0, 0)]


async def test_what_says_that_it_changed_is_newer_however_soon_it_was_said(core, clock, tmp_path):
    texts = ("Nadia's favourite colour is blue.", "Nadia's favourite colour is now green.")
    await told(core, clock, *texts, apart=MINUTE)
    planned = await plans.dry_run(core, LOCAL_USER, anima=None, phase="deep", actor="user")
    assert [step.operation for step in planned.plan.steps] == ["supersede"]
    assert (await sleep(core)).counts == {"superseded": 1}
    assert knowledge(tmp_path) == [(1, 2, 0), (2, 0, 0)]


async def test_what_is_pinned_is_neither_superseded_nor_merged_away(core, clock, tmp_path):
    await told(core, clock, "Nadia lives in Cluj.", "Nadia moved to Oslo.", "Tea is hot.")
    await told(core, clock, "Tea is hot!")
    tamper(tmp_path / FILE, "UPDATE knowledge SET pinned = 1")
    await sleep(core)
    assert [row[1:] for row in knowledge(tmp_path)] == [(0, 0)] * 4


async def test_what_was_only_reported_does_not_end_what_was_told(core, clock, tmp_path):
    await told(core, clock, "Nadia lives in Cluj.")
    await told(core, clock, "Nadia lives in Oslo.", source_uri="https://example.org")
    assert (await sleep(core)).counts == {"conflicts": 1}
    assert [row[1:] for row in knowledge(tmp_path)] == [(0, 0)] * 2
    assert look(tmp_path / FILE, "SELECT DISTINCT trust FROM knowledge ORDER BY 1") == [
        (Trust.REPORTED,),
        (Trust.TOLD,),
    ]


# What is asked


async def test_what_contradicts_and_is_not_plainly_newer_stays_and_is_asked_once(core, clock):
    await told(core, clock, "Nadia's boss is Karl.", "Nadia's boss is Ruth.", apart=MINUTE)
    report = await sleep(core)
    (action,) = report.actions
    assert (action.handle, action.layer, action.kind) == ("c1", "conflict", "create")
    assert action.after["question"] == (
        "Which holds: “Nadia's boss is Karl.” or “Nadia's boss is Ruth.”?"
    )
    assert (action.after["first_id"], action.after["second_id"]) == ("k1", "k2")
    assert (await sleep(core)).counts == {}
    anima = await animas.find(core, LOCAL_USER, None)
    (open_,) = await core.database.read(conflicts.list_for, anima)
    assert (open_.handle, open_.state, open_.kept) == ("c1", "open", None)


async def test_a_plain_denial_is_asked_about_once_however_late_it_comes(core, clock):
    await told(core, clock, "Nadia eats fish.", "Nadia does not eat fish.", apart=2 * DAY)
    (action,) = (await sleep(core)).actions
    assert action.after["question"] == (
        "Which holds: “Nadia eats fish.” or “Nadia does not eat fish.”?"
    )
    assert (await sleep(core)).counts == {}


async def test_a_question_that_was_taken_back_is_not_asked_again_by_itself(core, clock):
    await told(core, clock, "Nadia's boss is Karl.", "Nadia's boss is Ruth.", apart=MINUTE)
    await sleep(core)
    await undo(core, "d2")
    assert await asleep(core) is None


# What is weak


async def test_weak_rows_leave_recall(core, clock, tmp_path):
    await told(core, clock, "Tea is hot.", "Rum is strong.", "Gin is fine.")
    tamper(tmp_path / FILE, "UPDATE memories SET confidence = 0.3 WHERE id & 255 = 1")
    report = await sleep(core)
    assert report.counts == {"archived": 1}
    assert [(one.handle, one.after["state"]) for one in report.actions] == [("m1", "archived")]
    assert report.actions[0].reasoning == "Too unsure to be kept in recall: confidence 0.30."


@pytest.mark.parametrize(
    ("change", "archived"),
    [
        ("importance = 0.4", 1),
        ("importance = 0.6", 0),
        ("importance = 0.4, pinned = 1", 0),
        ("importance = 0.4, summary = '娜迪亚对榛子过敏。'", 0),
    ],
)
async def test_a_short_line_that_matters_little_is_weak(core, clock, tmp_path, change, archived):
    await told(core, clock, "Tea is hot.", "Rum is strong.")
    tamper(tmp_path / FILE, "UPDATE memories SET summary = 'Ok.' WHERE id & 255 = 1")
    tamper(tmp_path / FILE, f"UPDATE memories SET {change} WHERE id & 255 = 1")  # noqa: S608
    assert (await sleep(core)).counts.get("archived", 0) == archived


# Caps, undo, the background task


async def test_at_most_one_row_in_five_changes_in_a_run_and_none_is_destroyed(
    core, clock, tmp_path
):
    await told(core, clock, *[f"Rule {n // 2} is good." for n in range(30)])
    rows = len(knowledge(tmp_path))
    left = 30
    while (report := await sleep(core)).actions:
        changed = {one.handle for one in report.actions if one.layer == "knowledge"}
        assert len(changed) <= max(2, left // 5)
        left = sum(1 for row in knowledge(tmp_path) if not row[1])
    assert left == 15
    assert len(knowledge(tmp_path)) == rows


async def test_undo_leaves_every_row_as_it_was_and_it_is_not_done_again_by_itself(
    core, clock, tmp_path
):
    await told(core, clock, "Tea is hot.", "Tea is hot!")
    before = derived_rows(tmp_path / FILE)
    report = await sleep(core)
    assert report.counts
    assert (await undo(core, report.handle)).restored
    assert derived_rows(tmp_path / FILE) == before
    assert await asleep(core) is None
    assert derived_rows(tmp_path / FILE) == before
    assert (await sleep(core)).counts == report.counts


async def test_what_was_taken_back_may_be_done_once_its_rows_say_something_else(
    core, clock, tmp_path
):
    await told(core, clock, "Tea is hot.", "Tea is hot!")
    await sleep(core)
    await undo(core, "d2")
    tamper(tmp_path / FILE, "UPDATE knowledge SET confidence = 0.7")
    assert await asleep(core) is not None


async def test_the_background_task_sleeps_deeply_and_leaves_no_empty_dream(core, clock):
    await told(core, clock, "Tea is hot.", "Tea is hot!")
    assert await asleep(core) is not None
    newest = (await dreams.journal(core, LOCAL_USER))[0]
    assert (newest.actor, newest.phase, newest.synthesizer) == (WORKER, "deep", deep_sleep.RULES)


async def test_auto_sleeps_deeply_when_that_is_due(core, clock):
    await told(core, clock, "Tea is hot.", "Tea is hot!", apart=MINUTE)
    assert (await dreams.run(core, LOCAL_USER, anima=None)).counts == {}
    clock.move(DAY)
    assert (await dreams.run(core, LOCAL_USER, anima=None)).counts == {"merged": 1}


# A hundred pairs


@pytest.mark.parametrize("seed", [1])
async def test_nine_in_ten_planted_duplicates_and_updates_are_found(core, clock, seed, thorough):
    for each in range(seed, seed + thorough):
        pairs = [*drawn(SAME, count=50, seed=each), *drawn(UPDATES, count=50, seed=each)]
        right = 0
        for place, pair in enumerate(pairs):
            anima = f"pair-{each}-{place}"
            wanted = "merge" if place < 50 else "supersede"
            right += await outcome(core, clock, anima, pair) == {wanted}
        assert right >= 90


async def outcome(core, clock, anima, pair):
    await animas.create(core, LOCAL_USER, AnimaCreate(name=anima))
    await told(core, clock, *pair, apart=30 * DAY, anima=anima)
    report = await dreams.run(core, LOCAL_USER, anima=anima, phase="deep")
    return {one.operation for one in report.actions if one.layer == "knowledge"}


async def test_nothing_that_only_looks_alike_is_merged_or_superseded(core, clock, thorough):
    for seed in range(1, 1 + thorough):
        for place, pair in enumerate(drawn(ALIKE, count=100, seed=seed)):
            assert await outcome(core, clock, f"alike-{seed}-{place}", pair) == set(), pair
