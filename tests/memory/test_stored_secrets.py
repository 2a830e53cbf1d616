"""Redaction: secrets and unwanted words in what is already stored, masked everywhere at once."""

from dataclasses import replace

import pytest

from elephantasm_mcp.memory import (
    animas,
    curation,
    dreams,
    events,
    index,
    layers,
    packs,
    provenance,
    recall,
    redaction,
    uses,
)
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import Curation
from scenes import FILE, EachEvent, check_counters, check_index, derived_rows, look, tell

WORD = "Harbor-Gull-7731"
MASKED = "[redacted: password]"
UNWANTED = "Phoenix"


@pytest.fixture
async def core(core):
    """A memory and a fact of a secret, stored while nothing was masked; indexed."""
    core = replace(core, synthesizer=EachEvent(), redact=False)
    await tell(
        core,
        f"The password is {WORD}.",
        "Project Phoenix is late.",
        "Tea is good.",
        session_id="Phoenix 1",
        meta={"password": WORD, "about": ["Phoenix"]},
    )
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    request = Curation(handle="m1", action="pin", reason=f"The password is {WORD}.")
    await curation.curate(core, LOCAL_USER, request)
    await packs.compile_pack(core, LOCAL_USER, PackQuery(), client="me")
    await uses.flush(core)
    await index.load_embedders(core)
    await index.index_pending(core, 1)
    return core


def files_with(tmp_path, word):
    return [file.name for file in tmp_path.iterdir() if word.encode() in file.read_bytes()]


async def test_a_dry_run_counts_and_changes_nothing(core, tmp_path):
    before = derived_rows(tmp_path / FILE)
    report = await redaction.redact(core, LOCAL_USER, None, dry_run=True)
    assert (report.memories, report.knowledge) == (["m1"], ["k1"])
    assert report.events == ["e1", "e2", "e3"]
    assert report.redacted_at is None
    assert derived_rows(tmp_path / FILE) == before
    assert files_with(tmp_path, WORD)


async def test_a_secret_is_left_in_no_file(core, tmp_path):
    report = await redaction.redact(core, LOCAL_USER, None)
    assert report.redacted_at == core.clock.now()
    assert files_with(tmp_path, WORD) == []
    (first, *_) = await events.list_events(core, LOCAL_USER, None)
    assert first.content == f"The password is {MASKED}"
    assert first.meta["password"] == MASKED
    (memory, *_) = await layers.memories(core, LOCAL_USER, None)
    assert memory.content == f"Heard: The password is {MASKED}"
    trace = await provenance.trace(core, LOCAL_USER, "m1")
    assert trace.sources[0].quotes == [f"The password is {MASKED}"]
    check_counters(tmp_path / FILE)
    check_index(tmp_path / FILE)


async def test_what_an_anima_never_stores_is_masked_in_what_it_has(core, tmp_path):
    await animas.update(core, LOCAL_USER, "default", settings={"never_store": ["*phoenix*"]})
    assert files_with(tmp_path, UNWANTED)
    await redaction.redact(core, LOCAL_USER, None)
    assert [name for name in files_with(tmp_path, UNWANTED) if name != FILE] == []
    assert look(tmp_path / FILE, "SELECT content FROM events WHERE content LIKE '%phoenix%'") == []
    (_, late, _) = await events.list_events(core, LOCAL_USER, None)
    assert late.content == "Project [redacted: never stored] is late."
    assert late.session_id == "[redacted: never stored] 1"


async def test_masking_twice_changes_nothing_more(core, tmp_path):
    await redaction.redact(core, LOCAL_USER, None)
    before = derived_rows(tmp_path / FILE)
    again = await redaction.redact(core, LOCAL_USER, None)
    assert (again.redactions, again.events, again.redacted_at) == (0, [], None)
    assert derived_rows(tmp_path / FILE) == before


async def test_a_dream_from_before_can_still_be_undone(core):
    await redaction.redact(core, LOCAL_USER, None)
    undone = await dreams.undo(core, LOCAL_USER, "d2")
    assert undone.restored == ["m1"]
    undone = await dreams.undo(core, LOCAL_USER, "d1")
    assert len(undone.removed) == 6
    assert undone.forgotten == []


async def test_masked_rows_are_found_by_their_other_words(core):
    await redaction.redact(core, LOCAL_USER, None)
    await index.index_pending(core, 1)
    hits = await recall.search(core, LOCAL_USER, SearchQuery(query="password"))
    assert {"e1", "m1", "k1"} <= {hit.handle for hit in hits}
    assert all(WORD not in hit.text for hit in hits)
