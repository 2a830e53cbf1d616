"""Forgetting: what goes with what, the token, the receipt, and that no byte is left."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    curation,
    dreams,
    events,
    forgetting,
    index,
    layers,
    ledger,
    packs,
    plans,
    provenance,
    recall,
    redaction,
    uses,
)
from elephantasm_mcp.memory.ledger import Change, Run
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import erasure, memories
from elephantasm_mcp.synthesis.extractive import ExtractiveSynthesizer
from elephantasm_mcp.synthesis.fakes import AnsweringModel, ScriptedSynthesizer
from elephantasm_mcp.types.proposals import Proposals, SourceQuote
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, EventCreate, EventState, row_id
from elephantasm_mcp.types.views import Curation, ForgetRequest
from elephantasm_mcp.wording import forget_lines
from scenes import (
    FILE,
    HOUR,
    CrashError,
    EachEvent,
    add_user,
    check_consumption,
    check_counters,
    check_index,
    conflict,
    derived_rows,
    fragile,
    identity,
    look,
    propose,
    tell,
    write_rows,
)

WORD = "zanzibarflux"
FIRST = row_id(1, 1)


@pytest.fixture
async def core(core):
    """Three memories with a fact each, the second about what shall be forgotten; indexed."""
    core = replace(core, synthesizer=EachEvent())
    await tell(core, "Tea is good.", f"The {WORD} is blue.", "Gin is fine.", session_id="s")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await index.load_embedders(core)
    await index.index_pending(core, 1)
    return core


def everywhere(tmp_path, word=WORD):
    """The files beside the database, and itself, that hold the word; copies included."""
    return [
        file.name
        for file in sorted(tmp_path.iterdir())
        if file.is_file() and word.encode() in file.read_bytes()
    ]


async def forget(core, *handles, **fields):
    request = ForgetRequest(handles=handles or None, **fields)
    return await forgetting.forget(core, LOCAL_USER, request, confirmed=True)


async def test_a_preview_says_what_goes_and_changes_nothing(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await forgetting.preview(core, LOCAL_USER, ForgetRequest(handles=("e2",)))
    assert (report.events, report.memories, report.knowledge) == (["e2"], ["m2"], ["k2"])
    assert report.confirm
    assert report.erased_at is None
    assert derived_rows(tmp_path / FILE) == before


async def test_a_forgotten_event_takes_along_what_was_made_of_it_alone(core, tmp_path):
    report = await forget(core, "e2")
    assert (report.events, report.memories, report.knowledge) == (["e2"], ["m2"], ["k2"])
    assert [one.handle for one in await layers.memories(core, LOCAL_USER, None)] == ["m1", "m3"]
    assert [one.handle for one in await layers.knowledge(core, LOCAL_USER, None)] == ["k1", "k3"]
    hits = await recall.search(core, LOCAL_USER, SearchQuery(query=WORD))
    assert all(WORD not in hit.text for hit in hits)
    check_index(tmp_path / FILE)
    check_counters(tmp_path / FILE)


async def test_no_byte_of_it_is_left_in_any_file(core, tmp_path):
    await packs.compile_pack(core, LOCAL_USER, PackQuery(), client="me")
    await uses.flush(core)
    await curation.curate(
        core, LOCAL_USER, Curation(handle="k2", action="pin", reason=f"{WORD} matters")
    )
    await dreams.undo(core, LOCAL_USER, "d2")
    assert everywhere(tmp_path)
    report = await forget(core, "e2")
    assert everywhere(tmp_path) == []
    assert report.unreached == [forgetting.COPIES_OF_OTHERS]


async def test_rows_that_were_moved_before_leave_no_copy_behind(core, tmp_path):
    texts = [f"secret{number:04}word " * (1 + number % 23) for number in range(400)]
    for number in range(0, 400, 40):
        for anima in ("a", "b"):
            await animas.create(core, LOCAL_USER, AnimaCreate(name=anima))
            await tell(core, *texts[number : number + 40], anima_id=anima, session_id="s")
    gone = [f"e{number}" for number in range(1, 400, 2)]
    for anima in ("a", "b"):
        await forget(core, *gone, anima=anima)
    left = (tmp_path / FILE).read_bytes()
    assert [one for one in range(0, 400, 2) if f"secret{one:04}word".encode() in left] == []
    assert b"secret0001word" in left


READER = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN")
print(connection.execute("SELECT count(*) FROM events").fetchone(), flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("ended", flush=True)
sys.stdin.readline()
"""


async def test_another_process_that_reads_meanwhile_is_waited_for(core, tmp_path):
    process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once, and is waited for
        [sys.executable, "-c", READER, str(tmp_path / FILE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        await anyio.to_thread.run_sync(process.stdout.readline)
        receipts = []

        async def erase():
            receipts.append(await forget(core, "e2"))

        async with anyio.create_task_group() as group:
            group.start_soon(erase)
            with anyio.fail_after(30):
                while await core.database.read(erasure.forgotten_at, "event", 1 << 32 | 2) is None:
                    await anyio.lowlevel.checkpoint()
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        assert everywhere(tmp_path) == []
        assert receipts[0].unreached == [forgetting.COPIES_OF_OTHERS]
    finally:
        process.kill()
        process.communicate()


async def test_what_another_process_read_before_is_not_written_after(core, tmp_path):
    other = replace(core, reads={}, packs={})
    await packs.compile_pack(other, LOCAL_USER, PackQuery(), client="other")
    await forget(core, "e2")
    await uses.flush(other)
    assert everywhere(tmp_path) == []


async def test_a_copy_from_before_an_update_is_removed(core, tmp_path):
    (tmp_path / f"{FILE}.v3.bak").write_text(WORD)
    (tmp_path / "mine.bak").write_text("mine")
    await forget(core, "e2")
    assert everywhere(tmp_path) == []
    assert (tmp_path / "mine.bak").exists()


async def test_what_was_deleted_and_not_scrubbed_is_scrubbed_by_the_next(core, tmp_path):
    broken, _ = fragile(core)

    async def fail():
        raise CrashError

    broken.database.scrub = fail
    with pytest.raises(CrashError):
        await forget(broken, "e2")
    assert everywhere(tmp_path)
    await forgetting.finish(core)
    assert everywhere(tmp_path) == []
    assert not await core.database.read(erasure.is_scrub_owed)


async def scripted(core, *made, texts):
    """Another anima whose one dream made these memories of these texts."""
    core = replace(core, synthesizer=ScriptedSynthesizer([Proposals(memories=list(made))]))
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *texts, anima_id="other", session_id="s")
    await dreams.run(core, LOCAL_USER, anima="other", phase="synthesis")


def of_both(summary):
    memory = propose(summary, "e1")
    sources = [
        SourceQuote(event="e1", quote=f"My {WORD} is blue."),
        SourceQuote(event="e2", quote="My car is blue."),
    ]
    return memory.model_copy(update={"sources": sources})


async def test_a_row_with_another_source_stays_and_loses_the_quote(core, tmp_path):
    texts = (f"My {WORD} is blue.", "My car is blue.")
    await scripted(core, of_both("The car is blue."), texts=texts)
    report = await forget(core, "e1", anima="other")
    assert (report.memories, report.unlinked) == ([], ["m1"])
    trace = await provenance.trace(core, LOCAL_USER, "m1", anima="other")
    assert [(source.handle, source.quotes) for source in trace.sources] == [
        ("e2", ["My car is blue."])
    ]
    await forget(core, "e2")
    assert everywhere(tmp_path) == []


async def test_a_row_whose_words_are_the_forgotten_ones_goes_although_it_has_another_source(core):
    texts = (f"My {WORD} is blue.", "My car is blue.")
    await scripted(core, of_both(f"The {WORD} and the car are blue."), texts=texts)
    report = await forget(core, "e1", anima="other")
    assert (report.memories, report.unlinked) == (["m1"], [])


async def test_an_earlier_wording_that_says_it_goes_from_the_journal(core, tmp_path):
    texts = (f"My {WORD} is blue.", "My car is blue.")
    await scripted(core, of_both(f"The {WORD} and the car are blue."), texts=texts)
    request = Curation(handle="m1", action="correct", content="The car is blue.", anima="other")
    await curation.curate(core, LOCAL_USER, request)
    report = await forget(core, "e1", anima="other")
    assert report.unlinked == ["m1"]
    await forget(core, "e2")
    assert everywhere(tmp_path) == []
    undone = await dreams.undo(core, LOCAL_USER, "d2", anima="other")
    assert undone.forgotten == ["m1"]
    (one,) = await layers.memories(core, LOCAL_USER, "other")
    assert one.content == "The car is blue."


async def test_undoing_the_dream_says_what_stayed_forgotten(core, tmp_path):
    await forget(core, "e2")
    report = await dreams.undo(core, LOCAL_USER, "d1")
    assert sorted(report.forgotten) == ["e2", "k2", "m2"]
    assert "Forgotten meanwhile" in report.message
    assert report.events_held == ["e1", "e3"]
    assert not any(derived_rows(tmp_path / FILE))
    assert everywhere(tmp_path) == []


async def test_rows_that_an_undo_removed_are_erased_from_the_journal(core, tmp_path):
    await dreams.undo(core, LOCAL_USER, "d1")
    await forget(core, "e2")
    assert everywhere(tmp_path) == []


async def test_the_journal_keeps_kinds_and_times_of_what_went(core):
    await forget(core, "e2")
    (dream,) = await dreams.journal(core, LOCAL_USER)
    gone = [action for action in dream.actions if action.row is None]
    assert [(action.handle, action.kind) for action in gone] == [("m2", "create"), ("k2", "create")]
    assert all(action.before is action.after is None for action in gone)


async def test_a_pack_of_the_past_does_not_know_it_either(core, clock):
    then = clock.now()
    clock.move(HOUR)
    await forget(core, "e2")
    pack = await packs.compile_pack(core, LOCAL_USER, PackQuery(as_of=then))
    assert WORD not in pack.model_dump_json()
    assert "Tea is good." in pack.as_prompt()


async def test_a_forgotten_row_says_when_it_went_and_its_number_is_not_given_again(core):
    await forget(core, "e2", "e3")
    with pytest.raises(NotFoundError, match="m2 was forgotten on 02 Mar 2026"):
        await provenance.trace(core, LOCAL_USER, "m2")
    (event,) = await tell(core, "Something new.")
    assert event.event.handle == "e4"


@pytest.mark.parametrize("key", [None, "another key"])
async def test_what_was_forgotten_may_be_said_again(core, key):
    (first,) = await tell(core, "Once more.", dedupe_key=key and "key")
    await forget(core, first.event.handle)
    (again,) = await tell(core, "Once more.", dedupe_key=key)
    assert (again.duplicate, again.event.handle) == (False, "e5")


@pytest.mark.parametrize("what", [{"handles": ("e4",)}, {"session_id": "t"}, {"everything": True}])
async def test_an_event_that_comes_again_by_its_key_stays_forgotten(core, tmp_path, what):
    again = {"dedupe_key": f"{WORD} 7", "session_id": "t"}
    await tell(core, f"The {WORD} is blue again.", **again)
    request = ForgetRequest(**what)
    await forgetting.forget(core, LOCAL_USER, request, confirmed=True)
    if "everything" not in what:
        await forget(core, "e2")
    assert everywhere(tmp_path) == []
    (told, new) = await events_of(core, f"The {WORD} is blue again.", "Hello.", **again)
    assert (told.stored, told.duplicate, told.event.handle) == (False, False, "")
    assert told.event.note.startswith("Not kept: the event with this `dedupe_key` was forgotten.")
    assert new.event.handle == "e5"
    assert everywhere(tmp_path) == []
    check_counters(tmp_path / FILE)


async def events_of(core, again, new, *, dedupe_key, session_id):
    """What becomes of one event with a key and one without in the same call."""
    requests = [
        EventCreate(content=again, dedupe_key=dedupe_key, session_id=session_id),
        EventCreate(content=new),
    ]
    return (await events.record(core, LOCAL_USER, requests)).events


async def test_undoing_the_dream_brings_no_event_with_a_key_back(core, tmp_path):
    await tell(core, f"One more {WORD}.", dedupe_key="7")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await forget(core, "e2", "e4")
    await dreams.undo(core, LOCAL_USER, "d2")
    (again,) = await tell(core, f"One more {WORD}.", dedupe_key="7")
    assert not again.stored
    assert everywhere(tmp_path) == []


@pytest.mark.parametrize("before", [True, False])
async def test_a_key_that_is_masked_before_or_after_is_known_all_the_same(core, before):
    key, rule = "letter of ACME-1234", {"never_store": ["ACME-####"]}
    if before:
        await animas.update(core, LOCAL_USER, "default", settings=rule)
    await tell(core, "Once more.", dedupe_key=key)
    await forget(core, "e4")
    await animas.update(core, LOCAL_USER, "default", settings=rule)
    await redaction.redact(core, LOCAL_USER, None)
    (again,) = await tell(core, "Once more.", dedupe_key=key)
    assert not again.stored


async def test_what_one_anima_forgot_another_may_be_told(core):
    await tell(core, "Once more.", dedupe_key="key")
    await forget(core, "e4")
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    (there,) = await tell(core, "Once more.", dedupe_key="key", anima_id="other")
    assert there.stored
    await forgetting.delete_anima(core, LOCAL_USER, "default")
    (anew,) = await tell(core, "Once more.", dedupe_key="key")
    assert anew.stored


async def test_a_named_memory_goes_with_its_knowledge_and_its_events_stay(core):
    report = await forget(core, "m2")
    assert (report.events, report.memories, report.knowledge) == ([], ["m2"], ["k2"])
    assert report.kept_sources == ["e2"]
    assert len(await events.list_events(core, LOCAL_USER, None)) == 3


async def test_what_another_event_of_the_same_memory_says_stays_known(core):
    core = replace(core, synthesizer=ExtractiveSynthesizer())
    texts = (f"My car is a {WORD}.", "My favourite colour is blue.")
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *texts, session_id="t", anima_id="other", author="Nadia")
    await dreams.run(core, LOCAL_USER, anima="other")
    report = await forget(core, "e1", anima="other")
    assert report.memories == ["m1"]
    assert (report.unlinked, report.without_memory) == ([], ["k2"])
    assert "Kept, without the memory that it came from: k2." in forget_lines(report)
    (left,) = await layers.knowledge(core, LOCAL_USER, "other")
    assert left.content == "Nadia's favourite colour is blue."
    assert left.memory_id is None


async def other_anima_with(core, *texts):
    """Another anima in which one memory was made of these texts, without a model."""
    core = replace(core, synthesizer=ExtractiveSynthesizer())
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *texts, session_id="t", anima_id="other", author="Nadia")
    await dreams.run(core, LOCAL_USER, anima="other")
    return core


async def test_what_else_went_into_a_memory_that_goes_is_remembered_anew(core, tmp_path):
    core = await other_anima_with(core, f"My car is a {WORD}.", "My favourite colour is blue.")
    shown = await forgetting.preview(
        core, LOCAL_USER, ForgetRequest(handles=("e1",), anima="other")
    )
    report = await forget(core, "e1", anima="other")
    assert shown.given_back == report.given_back == ["e2"]
    assert "Given back, to be remembered anew without what goes: 1 event (e2)." in list(
        forget_lines(report)
    )
    (event,) = await events.list_events(core, LOCAL_USER, "other")
    assert event.state is EventState.PENDING
    check_consumption(tmp_path / FILE)
    await dreams.run(core, LOCAL_USER, anima="other")
    (memory,) = await layers.memories(core, LOCAL_USER, "other")
    assert "blue" in memory.content
    assert WORD not in memory.content
    assert memory.source_ids == [event.id]
    check_consumption(tmp_path / FILE)
    check_counters(tmp_path / FILE)


async def test_what_is_known_still_is_not_known_twice_when_it_is_remembered_anew(core):
    core = await other_anima_with(core, f"My car is a {WORD}.", "My favourite colour is blue.")
    await curation.curate(core, LOCAL_USER, Curation(handle="k2", action="pin", anima="other"))
    await forget(core, "e1", anima="other")
    await dreams.run(core, LOCAL_USER, anima="other")
    (memory,) = await layers.memories(core, LOCAL_USER, "other")
    (known,) = await layers.knowledge(core, LOCAL_USER, "other")
    assert (known.handle, known.pinned, known.memory_id) == ("k2", True, memory.id)


async def test_what_a_person_corrected_is_not_learnt_again_as_it_was(core):
    core = await other_anima_with(core, f"My car is a {WORD}.", "My favourite colour is blue.")
    green = Curation(handle="k2", action="correct", content="It is green.", anima="other")
    await curation.curate(core, LOCAL_USER, green)
    await forget(core, "e1", anima="other")
    await dreams.run(core, LOCAL_USER, anima="other")
    (known,) = await layers.knowledge(core, LOCAL_USER, "other")
    assert known.content == "It is green."


async def test_of_a_memory_that_a_person_named_nothing_is_given_back(core):
    await scripted(core, of_both(f"A {WORD}."), texts=(f"My {WORD} is blue.", "My car is blue."))
    report = await forget(core, "m1", anima="other")
    assert (report.kept_sources, report.given_back) == (["e1", "e2"], [])


async def test_an_event_that_another_memory_still_speaks_of_is_not_given_back(core):
    texts = (f"My {WORD} is blue.", "My car is blue.")
    await scripted(core, of_both(f"A {WORD}."), propose("A car.", "e2"), texts=texts)
    report = await forget(core, "e1", anima="other")
    assert (report.memories, report.given_back) == (["m1"], [])


async def test_undoing_the_dream_leaves_alone_what_was_given_back(core):
    core = await other_anima_with(core, f"My car is a {WORD}.", "My favourite colour is blue.")
    await forget(core, "e1", anima="other")
    report = await dreams.undo(core, LOCAL_USER, "d1", anima="other")
    assert (report.events_held, report.forgotten) == ([], ["e1", "m1", "k1"])
    (event,) = await events.list_events(core, LOCAL_USER, "other")
    assert event.state is EventState.PENDING


async def test_a_row_that_stays_is_as_sure_and_as_old_as_its_remaining_source(core, clock):
    first = clock.now()
    clock.move(2 * HOUR)
    texts = (f"My {WORD} is blue.", "My car is blue.")
    made = [propose("The car is blue.", "e1"), propose("The car is blue.", "e2")]
    core = replace(core, synthesizer=ScriptedSynthesizer([Proposals(memories=made)]))
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, texts[0], anima_id="other", session_id="s", occurred_at=first)
    await tell(core, texts[1], anima_id="other", session_id="s", occurred_at=clock.now())
    await dreams.run(core, LOCAL_USER, anima="other", phase="synthesis")
    merge = AnsweringModel(
        lambda _: {"operations": [{"kind": "merge", "keep": "m1", "others": ["m2"]}]}
    )
    advised = replace(core, model=merge)
    await dreams.run(advised, LOCAL_USER, anima="other", phase="deep")
    (merged,) = await layers.memories(core, LOCAL_USER, "other")
    assert (merged.confidence, merged.time_start) == (0.96, first)
    await forget(core, "e1", anima="other")
    (left,) = await layers.memories(core, LOCAL_USER, "other")
    assert (left.confidence, left.time_start) == (0.8, clock.now())


async def test_the_day_on_which_something_else_was_said_is_not_forgotten(core):
    core = replace(core, synthesizer=ExtractiveSynthesizer())
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    texts = (f"I am allergic to {WORD}.", "We decided to use PostgreSQL for billing.")
    await tell(core, *texts, session_id="t", anima_id="other", author="Nadia")
    await dreams.run(core, LOCAL_USER, anima="other")
    await forget(core, "e1", anima="other")
    (left,) = await layers.knowledge(core, LOCAL_USER, "other")
    assert "PostgreSQL" in left.content
    assert "(said on " in left.content


async def test_an_identity_goes_that_has_a_word_which_nothing_else_says(core, tmp_path):
    await write_rows(core, identity(core, "Likes tea."))
    await write_rows(core, identity(core, f"Fond of the {WORD}.", number=2))
    await forget(core, "e2")
    assert look(tmp_path / FILE, "SELECT prose FROM identities") == [("Likes tea.",)]
    assert everywhere(tmp_path) == []


async def test_what_was_asked_or_planned_about_it_goes_too(core, tmp_path):
    await write_rows(core, conflict(core, f"Is it the {WORD}?"))
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await plans.dry_run(core, LOCAL_USER, anima=None, phase="deep", actor="user")
    await forget(core, "e2")
    assert look(tmp_path / FILE, "SELECT count(*) FROM conflicts") == [(0,)]
    assert look(tmp_path / FILE, "SELECT count(*) FROM plans") == [(0,)]
    assert everywhere(tmp_path) == []


async def test_a_session_goes_as_a_whole(core, tmp_path):
    await tell(core, "Another session.", session_id="t")
    report = await forget(core, session_id="s")
    assert report.events == ["e1", "e2", "e3"]
    (left,) = await events.list_events(core, LOCAL_USER, None)
    assert left.session_id == "t"
    assert everywhere(tmp_path) == []


async def test_everything_empties_an_anima_that_keeps_its_settings_and_its_numbers(core, tmp_path):
    await animas.update(core, LOCAL_USER, "default", settings={"threshold": 7})
    report = await forget(core, everything=True)
    assert (len(report.events), len(report.memories), len(report.knowledge)) == (3, 3, 3)
    assert everywhere(tmp_path) == []
    assert await packs.compile_pack(core, LOCAL_USER, PackQuery()) is None
    (anima,) = await animas.overview(core, LOCAL_USER)
    assert (anima.events, anima.memories, anima.pending_events) == (0, 0, 0)
    assert (await animas.resolve(core, LOCAL_USER, None)).settings.threshold == 7
    (event,) = await tell(core, "New life.")
    assert event.event.handle == "e4"
    check_counters(tmp_path / FILE)


async def test_another_anima_is_left_alone(core, tmp_path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, f"The {WORD} is mine.", anima_id="other")
    await forget(core, everything=True)
    (kept,) = await events.list_events(core, LOCAL_USER, "other")
    assert kept.content == f"The {WORD} is mine."
    assert everywhere(tmp_path)


async def test_what_was_superseded_by_what_goes_stands_again(core, tmp_path):
    def supersede(tx):
        anima, now = anima_store.get(tx, 1), core.clock.now()
        run = Run(uuid=core.ids.uuid(), phase="deep", actor="worker", started_at=now)
        before = memories.read_snapshot(tx, "knowledge", FIRST)
        after = ledger.stamp({**before, "superseded_by": FIRST + 1}, now=now)
        dream = ledger.open_dream(tx, anima, run, now=now)
        change = Change(layer="knowledge", id=FIRST, after=after, operation="supersede")
        ledger.apply(tx, anima, dream, [change], counts={}, now=now)

    await core.database.write(supersede)
    await forget(core, "e2")
    found = await layers.knowledge(core, LOCAL_USER, None)
    assert [one.handle for one in found] == ["k1", "k3"]
    undone = await dreams.undo(core, LOCAL_USER, "d2")
    assert undone.restored == ["k1"]
    check_index(tmp_path / FILE)


async def test_a_token_erases_what_was_shown(core):
    request = ForgetRequest(handles=("e2",))
    token = (await forgetting.preview(core, LOCAL_USER, request)).confirm
    receipt = await forgetting.forget(
        core, LOCAL_USER, request.model_copy(update={"confirm": token})
    )
    assert receipt.memories == ["m2"]
    assert receipt.confirm is None
    assert receipt.erased_at == core.clock.now()


@pytest.mark.parametrize("change", ["late", "rows", "caller", "made up"])
async def test_a_token_is_for_ten_minutes_one_caller_and_the_very_rows(
    core, clock, tmp_path, change
):
    request = ForgetRequest(session_id="s")
    token = (await forgetting.preview(core, LOCAL_USER, request)).confirm
    before = derived_rows(tmp_path / FILE)
    user = LOCAL_USER
    match change:
        case "late":
            clock.move(timedelta(minutes=10))
        case "rows":
            await tell(core, "One more.", session_id="s")
        case "caller":
            user = add_user(tmp_path / FILE)
            await tell(core, "Theirs.", user=user, session_id="s")
        case _:
            token = token[:-1] + ("0" if token[-1] != "0" else "1")
    with pytest.raises(ConflictError):
        await forgetting.forget(core, user, request.model_copy(update={"confirm": token}))
    assert derived_rows(tmp_path / FILE) == before


@pytest.mark.parametrize("token", ["", "nonsense", "zz-00", "ffffffffffffffffffff-00"])
async def test_without_a_token_nothing_is_erased(core, tmp_path, token):
    before = derived_rows(tmp_path / FILE)
    request = ForgetRequest(handles=("e2",), confirm=token)
    with pytest.raises(ValidationError) as caught:
        await forgetting.forget(core, LOCAL_USER, request)
    assert caught.value.field == "confirm"
    assert derived_rows(tmp_path / FILE) == before


@pytest.mark.parametrize(
    "fields",
    [{}, {"handles": ("e1",), "everything": True}, {"session_id": "s", "everything": True}],
)
async def test_one_way_to_name_what_goes_is_asked_for(core, fields):
    with pytest.raises(ValidationError, match="one way"):
        await forgetting.preview(core, LOCAL_USER, ForgetRequest(**fields))


async def test_what_is_not_there_is_named(core):
    with pytest.raises(NotFoundError, match="'m99'"):
        await forgetting.preview(core, LOCAL_USER, ForgetRequest(handles=("e1", "m99")))


async def test_nobody_forgets_what_is_not_theirs(core, tmp_path):
    stranger = add_user(tmp_path / FILE)
    (one, *_) = await events.list_events(core, LOCAL_USER, None)
    with pytest.raises(NotFoundError):
        await forgetting.preview(core, stranger, ForgetRequest(handles=(str(one.id),)))


async def test_a_deleted_anima_leaves_nothing_but_the_others(core, tmp_path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, "Tea is mine.", anima_id="other")
    receipt = await forgetting.delete_anima(core, LOCAL_USER, "default")
    assert (len(receipt.events), receipt.anima) == (3, "default")
    assert everywhere(tmp_path) == []
    (left,) = await animas.overview(core, LOCAL_USER)
    assert (left.name, left.events) == ("other", 1)
    tables = ("dreams", "dream_actions", "dream_events", "forgotten", "vectors", "links")
    for table in (*tables, "row_changes"):
        assert look(tmp_path / FILE, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    with pytest.raises(NotFoundError):
        await forgetting.delete_anima(core, LOCAL_USER, "nobody")
