"""Recall: finding rows by a query, with nothing missed and nothing mixed."""

from dataclasses import replace

import pytest

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, dreams, index, recall
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from elephantasm_mcp.types.views import SearchHits, SearchQuery
from scenes import DAY, FILE, HOUR, EachEvent, add_user, check_index, look, tamper, tell


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


async def search(core, query, *, user=LOCAL_USER, patience_s=0.0, **options):
    asked = SearchQuery(query=query, **options)
    return await recall.search(core, user, asked, patience_s=patience_s)


async def handles(core, query, **options):
    return [hit.handle for hit in await search(core, query, **options)]


async def dream(core):
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")


async def load(core):
    await index.load_embedders(core)
    return core


async def test_an_acknowledged_event_is_found_at_once(core, tmp_path):
    await tell(core, "The cut-over is on Thursday.")
    (hit,) = await search(core, "when is the cut-over?")
    assert (hit.handle, hit.layer, hit.text) == ("e1", "event", "The cut-over is on Thursday.")
    assert (hit.sources, hit.source_ids) == (["e1"], [hit.id])
    check_index(tmp_path / FILE)


async def test_every_layer_is_found_with_its_sources(core):
    await tell(core, "The cut-over is on Thursday.", session_id="s")
    await dream(core)
    hits = {hit.handle: hit for hit in await search(core, "cut-over")}
    assert set(hits) == {"e1", "m1", "k1"}
    assert {tuple(hit.sources) for hit in hits.values()} == {("e1",)}
    assert hits["m1"].session_id == "s"
    assert hits["k1"].occurred_at == hits["e1"].occurred_at


async def test_a_hit_explains_its_score(core):
    await load(core)
    await tell(core, "The cut-over is on Thursday.")
    (hit,) = await search(core, "Thursday", patience_s=5)
    assert hit.score == pytest.approx(sum(hit.breakdown.values()), abs=1e-5)
    assert hit.reason == "hybrid"
    assert 0 < hit.score <= 1
    assert 0 < hit.similarity <= 1


async def test_the_mode_names_the_models_that_took_part(core):
    await tell(core, "Tea is good.")
    assert (await search(core, "tea")).mode == "lexical"
    await load(core)
    assert (await search(core, "tea", patience_s=5)).mode == "lexical + hash-64:1"
    both = await load(replace(core, words=HashEmbedder(32)))
    assert (await search(both, "tea", patience_s=5)).mode == "lexical + hash-64:1 + hash-32:1"
    assert (await search(replace(core, sentences=None), "tea")).mode == "lexical"


async def test_a_model_that_has_not_seen_every_row_is_called_partial(core):
    await tell(core, "Tea is good.")
    await load(core)
    assert (await search(core, "tea", patience_s=0)).mode in (
        "lexical + hash-64:1",
        "lexical + hash-64:1 (partial)",
    )


@pytest.mark.parametrize("query", ["", " ", "?!…", "\x00", "—", "🎉"])
async def test_a_query_without_a_word_is_an_error(core, query):
    await tell(core, "Tea is good.")
    with pytest.raises(ValidationError) as caught:
        await search(core, query)
    assert caught.value.field == "query"


@pytest.mark.parametrize(
    "query",
    [
        "tea OR NEAR(",
        '"tea',
        "tea*",
        "text:tea",
        "-tea",
        "te'a tea",
        "tea\x00",
        "{tea}",
        "^tea",
        "TEA",
    ],
)
async def test_no_query_is_syntax(core, query):
    await tell(core, "Tea is good.")
    assert await handles(core, query) == ["e1"]


async def test_a_query_of_any_length_is_answered(core):
    await tell(core, "Tea is good.")
    assert await handles(core, "tea " * 5000) == ["e1"]


async def test_nothing_found_is_weak(core):
    await tell(core, "Tea is good.")
    hits = await search(core, "submarine")
    assert (list(hits), hits.weak) == ([], True)


async def test_hits_below_the_floor_are_ranked_and_marked(core):
    await load(core)
    await tell(core, "Nadia likes green tea.", session_id="a")
    await tell(core, "The roof was repaired in May by somebody.", session_id="b")
    hits = await search(core, "who likes green tea?", patience_s=5)
    assert [(hit.handle, hit.weak) for hit in hits] == [("e1", False), ("e2", True)]
    assert not hits.weak


# Filters


@pytest.fixture
async def told(core, clock):
    """Tea in session a three hours ago, in session b now; each with memory and knowledge."""
    await tell(core, "Tea is good.", session_id="a", occurred_at=clock.now() - 3 * HOUR)
    await tell(core, "Tea is bad.", session_id="b")
    await dream(core)
    return core


@pytest.mark.parametrize("layer", ["event", "memory", "knowledge"])
async def test_a_search_is_bounded_by_layer_session_and_span(told, clock, layer):
    letter, middle = layer[0], clock.now() - HOUR
    old, new = f"{letter}1", f"{letter}2"
    assert set(await handles(told, "tea", layers=(layer,))) == {old, new}
    assert await handles(told, "tea", layers=(layer,), session_id="a") == [old]
    assert await handles(told, "tea", layers=(layer,), since=middle) == [new]
    assert await handles(told, "tea", layers=(layer,), until=middle) == [old]
    assert await handles(told, "tea", layers=(layer,), since=middle, session_id="a") == []


async def test_a_layer_that_is_named_twice_is_searched_once(told):
    assert len(await handles(told, "tea", layers=("event", "event"))) == 2


async def test_a_limit_keeps_the_best(told):
    best = await handles(told, "tea")
    assert len(best) == 6
    assert await handles(told, "tea", limit=2) == best[:2]


async def test_archived_and_superseded_rows_are_found_only_when_asked_for(told, tmp_path):
    path = tmp_path / FILE
    tamper(path, "UPDATE memories SET state = 'archived' WHERE id & 255 = 1")
    tamper(path, "UPDATE memories SET superseded_by = 1 WHERE id & 255 = 2")
    tamper(path, "UPDATE knowledge SET archived = 1 WHERE id & 255 = 1")
    tamper(path, "UPDATE knowledge SET superseded_by = 1 WHERE id & 255 = 2")
    assert set(await handles(told, "tea")) == {"e1", "e2"}
    found = await handles(told, "tea", include_archived=True)
    assert set(found) == {"e1", "e2", "m1", "m2", "k1", "k2"}


async def test_a_pinned_hit_says_so(told, tmp_path):
    tamper(tmp_path / FILE, "UPDATE memories SET pinned = 1 WHERE id & 255 = 1")
    tamper(tmp_path / FILE, "UPDATE knowledge SET pinned = 1 WHERE id & 255 = 1")
    reasons = {hit.handle: hit.reason for hit in await search(told, "tea")}
    assert {handle for handle, reason in reasons.items() if reason == "pinned"} == {"m1", "k1"}


# Order


async def test_the_same_search_ranks_the_same_in_any_core(core, clock):
    for number in range(60):
        text = f"Item {number % 7} of list {number % 3} is done."
        await tell(core, text, session_id=str(number % 4), occurred_at=clock.now() - number * HOUR)
    await load(core)
    first = await search(core, "which item of list 2 is done?", limit=100, patience_s=5)
    other = replace(core, vectors=type(core.vectors)(size_bytes=1), sentences=HashEmbedder())
    await load(other)
    assert await search(other, "which item of list 2 is done?", limit=100, patience_s=5) == first
    assert isinstance(first, SearchHits)


async def test_who_is_named_in_the_query_counts(core):
    await load(core)
    await tell(core, "The meeting is at noon.", author="Nadia", session_id="a")
    await tell(core, "The meeting is at noon.", author="Bo", session_id="b")
    assert (await handles(core, "what did Bo say of the meeting?"))[0] == "e2"
    assert (await handles(core, "what did Nadia say of the meeting?"))[0] == "e1"
    assert set(await handles(core, "Nadia")) >= {"e1"}


async def test_an_answer_is_found_beside_its_question(core, clock):
    now = clock.now()
    await tell(core, "What is your favourite drink?", session_id="s", occurred_at=now - 2 * HOUR)
    await tell(core, "Lapsang.", session_id="s", occurred_at=now - 2 * HOUR)
    for number in range(20):
        await tell(core, f"Filler {number}.", session_id="s", occurred_at=now - HOUR)
    assert (await handles(core, "favourite drink"))[:2] == ["e1", "e2"]


async def test_chinese_is_found_by_parts_of_words(core):
    await tell(core, "我们星期四迁移数据库。", "今天天气很好。")
    assert (await handles(core, "数据库"))[0] == "e1"


# Models


async def test_vectors_of_two_models_are_never_compared(core, tmp_path):
    await tell(core, "Tea is good.", "Rum is bad.")
    both = await load(replace(core, words=HashEmbedder(32)))
    await search(both, "tea", patience_s=5)
    models = look(tmp_path / FILE, "SELECT model, length(vector) FROM vectors GROUP BY model")
    assert models == [("hash-32:1", 32), ("hash-64:1", 64)]
    only_new = await load(replace(core, sentences=HashEmbedder(32)))
    hits = await search(only_new, "tea", patience_s=5)
    assert hits.mode == "lexical + hash-32:1"


async def test_after_a_change_of_model_what_is_missing_is_made_anew(core, tmp_path):
    await load(core)
    await tell(core, "Tea is good.", "Rum is bad.", session_id="s")
    await dream(core)
    await search(core, "tea", patience_s=5)
    changed = await load(replace(core, sentences=HashEmbedder(16)))
    hits = await search(changed, "tea", patience_s=5)
    assert hits.mode == "lexical + hash-16:1"
    counts = "SELECT model, count(*) FROM vectors GROUP BY model ORDER BY model"
    assert look(tmp_path / FILE, counts) == [("hash-16:1", 6), ("hash-64:1", 6)]
    check_index(tmp_path / FILE)


# Isolation


async def test_words_of_other_animas_neither_show_nor_count(core):
    await tell(core, "Tea is good.")
    before = [hit.model_dump() for hit in await search(core, "tea")]
    await animas.create(core, LOCAL_USER, AnimaCreate(name="other"))
    await tell(core, *(f"Tea number {n} is good." for n in range(30)), anima_id="other")
    assert len(await search(core, "tea", anima="other", limit=100)) == 30
    assert [hit.model_dump() for hit in await search(core, "tea")] == before


async def test_another_users_anima_cannot_be_searched(core, tmp_path):
    other = add_user(tmp_path / FILE)
    theirs, _ = await animas.create(core, other, AnimaCreate(name="theirs"))
    await tell(core, "Tea is good.", user=other, anima_id="theirs")
    for ref in ("theirs", theirs.id):
        with pytest.raises(NotFoundError):
            await search(core, "tea", anima=ref)
    assert await handles(core, "tea") == []


async def test_a_time_in_a_filter_is_read_as_utc(told, clock):
    naive = (clock.now() - DAY).replace(tzinfo=None)
    assert len(await handles(told, "tea", since=naive)) == 6
