"""Recall: finding rows by a query, with nothing missed and nothing mixed."""

from dataclasses import replace

import pytest
from anyio import from_thread, to_thread
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.errors import NotFoundError
from elephantasm_mcp.memory import animas, dreams, index, recall
from elephantasm_mcp.pure.text import repair, words
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.types.reading import SearchHits, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
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


@pytest.mark.parametrize("query", ["🎸", "🎸🎸", "🎸\ufe0f!", "the 🎸?"])
async def test_an_emoji_finds_the_event_that_has_it(core, query):
    await tell(core, "Band practice went well.", "Saturday it is 🎸", "Rain again ☔")
    hits = await search(core, query)
    assert hits.mode != recall.NO_QUERY
    assert (hits[0].handle, hits[0].weak) == ("e2", False)


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


@pytest.mark.parametrize("query", ["", " ", "\n\t", "?!…", "\x00", "—", "→ ✓", "\ufe0f", "\ud800"])
async def test_a_query_without_a_word_finds_nothing_and_says_so(core, query):
    await tell(core, "Tea is good. 🎉")
    hits = await search(core, query)
    assert (list(hits), hits.mode, hits.weak) == ([], "no query", True)
    assert not core.sentences.loaded


async def test_a_query_without_a_word_still_names_an_anima(core):
    with pytest.raises(NotFoundError):
        await search(core, "?!", anima="nobody")


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
    other = replace(core, corpora=CorpusCache(size_bytes=1), sentences=HashEmbedder())
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


# What is told, a query that must find it, and how the two differ
WORDS = [
    ("The cut-over is on Thursday.", "cut-over", "hyphen"),
    ("The cut-over is on Thursday.", "cut over", "hyphen in the text alone"),
    ("The go live party was fun.", "go-live", "hyphen in the query alone"),
    ("Her mother-in-law knits.", "mother in law", "two hyphens"),
    ("Order the M8×20-A2 screws.", "M8x20-A2 screws", "sign for a letter"),
    ("We use e‑bikes only.", "e-bikes", "hyphen that does not break"),
    ("Well-known—perhaps too well.", "perhaps", "dash without blanks"),
    ("It's the dog's bowl.", "dogs bowl", "apostrophe left out"),
    ("Bo doesn’t eat fish.", "doesn't eat fish", "typographic apostrophe"),
    ("O'Brien called twice.", "o’brien", "apostrophe in a name"),
    ('She said "never again" and left.', "never again", "quoted in the text"),
    ("She said never again and left.", '"never again"', "quoted in the query"),
    ("The film is called «Amélie».", "Amélie", "angle quotes"),
    ("He calls it „Feierabend“.", '"Feierabend"', "low quotes"),
    ("Run `make install` first.", "'make install'", "backticks"),
    ("We moved to version 1.2.3.", "1.2.3", "dots of a version"),
    ("Send it to bo@example.com.", "bo@example.com", "address"),
    ("Send it to bo@example.com.", "example.com", "part of an address"),
    ("See https://docs.example.org/a/b#c", "docs.example.org", "part of a link"),
    ("The U.S. office closes.", "U.S. office", "initials"),
    ("The file is settings.env.bak", "settings.env.bak", "name of a file"),
    ("Set ELEPHANT_PORT to 80.", "elephant_port", "underscore"),
    ("It costs 1,299.50 euros.", "1,299.50", "number"),
    ("The wedding is at 14:30.", "14:30", "time of day"),
    ("Budget: €40k (approx.)", "€40k", "currency"),
    ("We won the cup! 🎉🎉", "cup 🎉", "emoji beside a word"),
    ("Pizza🍕tonight", "tonight", "emoji without blanks"),
    ("She is a 👩‍💻programmer.", "programmer", "joined emoji"),
    ("Café Zoë opens in São Paulo.", "cafe zoe sao paulo", "accents left out"),
    ("Cafe Zoe opens.", "café zoë", "accents put in"),
    ("Café crème", "cafe\u0301 cre\u0300me", "decomposed accents"),
    ("We live in Łódź.", "łódź", "stroke"),
    ("The Straße is closed.", "strasse", "sharp s"),
    ("NATO MEETING IN OSLO", "nato meeting", "lower case for upper"),
    ("nato meeting in oslo", "NATO", "upper case for lower"),
    ("İstanbul is warm.", "istanbul", "dotted capital"),
    ("Ωμέγα και Άλφα", "ωμεγα", "Greek without its accent"),
    ("Ёлка стоит в углу.", "елка", "Cyrillic without its dots"),
    ("Ｔｅａ ｉｓ ｇｏｏｄ", "ｔｅａ", "full width in both"),
    ("我们星期四迁移数据库。", "迁移", "Chinese"),
    ("我们星期四迁移数据库。", "数据", "Chinese, part of a word"),
    ("她对榛子过敏，也不吃花生。", "花生", "Chinese after a comma"),
    ("東京都に住んでいます。", "東京", "Japanese, part of a name"),
    ("明日は会議があります。", "会議", "Japanese between kana"),
    ("コーヒーが好きです。", "好き", "Japanese, kanji and kana"),
    ("カタカナでメニューを書く。", "メニ", "Japanese, katakana"),
    ("저는 서울에 살아요.", "서울", "Korean before a particle"),
    ("고양이가 우유를 마신다.", "우유", "Korean"),
    ("GPT说数据库慢。", "GPT说", "letters beside Chinese"),
    ("我在Berlin工作了三年。", "berlin", "letters inside Chinese"),
]
OTHERS = (
    "Nothing of this kind was ever mentioned by anybody.",
    "下雪了。",
    "ねこです。",
    "나무",
    "Über andere Dinge: 7",
)


@pytest.mark.parametrize(("text", "query", "how"), WORDS, ids=lambda value: value)
async def test_a_text_is_found_however_it_is_written(core, text, query, how):
    for number, one in enumerate((*OTHERS[:3], text, *OTHERS[3:])):
        await tell(core, one, session_id=f"{how} {number}")
    found = await search(core, query)
    assert [hit.text for hit in found][:1] == [text]


async def test_without_a_model_a_row_with_every_word_of_the_query_is_not_weak(core):
    for text in (*OTHERS, "The cut-over is on Thursday."):
        await tell(core, text, session_id=text)
    hits = await search(core, "when is the cut-over?")
    assert hits[0].text == "The cut-over is on Thursday."
    assert not hits[0].weak


async def test_words_of_chinese_are_not_looked_for_across_its_sentences(core):
    await tell(core, "京都。")
    assert await handles(core, "東京") == ["e1"]
    assert await handles(core, "東西") == []


# Hostile queries

ALPHABET = st.one_of(
    st.characters(),
    st.sampled_from("\x00\x1a\u200b\u200d\u202e\ufeff\u0301\u0345İıſKΣß'\"()*:^-+~{}[]%_\\;/.,?!"),
    st.sampled_from("0123456789²٣߃一東のㄱ가あ🎉"),
)
WORDISH = (
    "tea may in May of 29 february Auguſt aprıl DECEMBER 31st 0000-00-00 9999-12-31 2024-02-30 when"
    " Bo Nadia I you NEAR OR AND NOT MATCH NULL ' \" \x00 -- ; text:tea tea* ^tea {tea} \ud800"
    " 数据库 १२ -1 1e309 nan inf \U0010ffff a\u0301\u0301\u0301"
)
PIECES = st.sampled_from(WORDISH.split(" "))
QUERIES = st.one_of(
    st.text(ALPHABET, max_size=60),
    st.lists(PIECES | st.text(ALPHABET, max_size=8), max_size=12).map(" ".join),
    st.tuples(PIECES | st.text(ALPHABET, min_size=1, max_size=3), st.integers(1, 3000)).map(
        lambda pair: pair[0] * pair[1]
    ),
)


async def test_no_query_is_an_error(core, clock, thorough):
    """In the long run, `--thorough 50`, ten thousand of them."""
    both = await load(replace(core, words=HashEmbedder(32)))
    told = ["Tea is good in May.", "What? 🎉", "我们星期四迁移数据库。", "x" * 30_000, "a b " * 500]
    for number, text in enumerate(told):
        moment = clock.now() - number * DAY
        await tell(both, text, author=(None, "Bo")[number % 2], occurred_at=moment, session_id="s")
    await search(both, "tea", patience_s=5)

    @settings(max_examples=200 * thorough, suppress_health_check=list(HealthCheck))
    @given(query=QUERIES)
    def ask(query):
        hits = from_thread.run(search, both, query)
        assert (hits.mode == "no query") == (not words(repair(query)[0][: recall.MAX_QUERY_CHARS]))
        for hit in hits:
            assert 0 <= hit.score <= 1
            assert -1.000001 <= hit.similarity <= 1.000001

    await to_thread.run_sync(ask)


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
