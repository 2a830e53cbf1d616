"""An embedder that others run: found by meaning while it answers, found by words while it fails."""

import importlib
from dataclasses import replace
from datetime import timedelta
from itertools import repeat

import anyio
import pytest

import providers
from elephantasm_mcp.app import open_app
from elephantasm_mcp.embedding.bundle import SENTENCES, WORDS
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.embedding.static import StaticEmbedder
from elephantasm_mcp.memory import animas, forgetting, index, outages, packs, recall
from elephantasm_mcp.ports import Pace
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER
from elephantasm_mcp.types.views import ForgetRequest
from elephantasm_mcp.worker import Worker
from providers import BadVectors, Fault
from scenes import FILE, check_index, check_index_is_whole, look, tell

NAME = "openai:model-1@384"
BOTH = f"lexical + {NAME} + {WORDS.name}"
WORDS_ALONE = f"lexical + {WORDS.name}"
SAID = ("My daughter started kindergarten.", "The invoice is late.", "Rum is bad.")
ASKED = "Whose child began school?"
HASTY = Pace(rows=2, read_s=1.0)
"""Reads that wait less, and batches of two texts."""


@pytest.fixture
async def server():
    async with providers.providers() as running:
        yield running


@pytest.fixture
def remote(core, server):
    importlib.import_module("openai")  # half a second, or more where many tests run at once
    return replace(core, sentences=server.embedder(pace=HASTY), words=StaticEmbedder())


async def search(core, query=ASKED, *, patience_s=float("inf")):
    with anyio.fail_after(20):
        return await recall.search(
            core, LOCAL_USER, SearchQuery(query=query), patience_s=patience_s
        )


async def index_now(core):
    anima = await animas.find(core, LOCAL_USER, None)
    await index.load_embedders(core)
    return await index.index_pending(core, anima.anima_no)


def vectors(tmp_path, model=NAME):
    ((count,),) = look(tmp_path / FILE, "SELECT count(*) FROM vectors WHERE model = ?", model)
    return count


async def test_what_was_told_is_found_by_meaning(remote, tmp_path):
    await tell(remote, *SAID)
    hits = await search(replace(remote, words=None))
    assert hits.mode == f"lexical + {NAME}"
    assert hits[0].text == SAID[0]
    assert hits[0].similarity > 0.4
    assert (await search(remote)).mode == BOTH
    check_index_is_whole(tmp_path / FILE, NAME, WORDS.name)
    assert await index_now(remote) == 0


async def test_only_rows_and_questions_are_sent_and_each_row_once(remote, server):
    await tell(remote, *SAID)
    await search(remote)
    await search(remote)
    sent = [text for texts in server.texts[1:] for text in texts]
    assert sorted(sent) == sorted([*(text for text in sent if text.endswith(SAID)), ASKED, ASKED])
    assert len(sent) == len(SAID) + 2


@pytest.mark.parametrize("fault", providers.OF_VECTORS)
async def test_a_fault_leaves_reads_working_and_rows_owed_until_it_is_over(
    remote, server, tmp_path, clock, fault
):
    await tell(remote, *SAID[:2])
    await index_now(remote)
    assert vectors(tmp_path) == 2
    server.fail(repeat(fault))
    await tell(remote, SAID[2])
    for _ in range(3):
        hits = await search(remote, "What is bad, the rum?")
        assert hits.mode == WORDS_ALONE
        assert hits[0].text == SAID[2]
    asked = len(server.requests)
    pack = await packs.compile_pack(remote, LOCAL_USER, PackQuery(query="Is the rum bad?"))
    assert "Rum is bad." in pack.as_prompt()
    assert len(server.requests) == asked  # it failed a moment ago
    check_index(tmp_path / FILE)
    assert vectors(tmp_path) == 2
    server.fail([])
    clock.move(outages.LONGEST)
    assert (await search(remote)).mode == BOTH
    check_index_is_whole(tmp_path / FILE, NAME, WORDS.name)


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.UNAUTHORIZED, Fault.HUGE, BadVectors.ZERO])
async def test_one_that_never_answered_is_asked_once_in_a_window(
    remote, server, tmp_path, clock, fault
):
    server.fail(repeat(fault))
    await tell(remote, *SAID)
    for _ in range(3):
        assert (await search(remote)).mode == WORDS_ALONE
    assert len(server.requests) == 1
    check_index_is_whole(tmp_path / FILE, WORDS.name)
    clock.move(outages.LONGEST)
    assert (await search(remote)).mode == WORDS_ALONE
    assert len(server.requests) == 2
    server.fail([])
    clock.move(outages.LONGEST)
    assert (await search(remote)).mode == BOTH


async def test_a_text_that_a_server_breaks_over_keeps_no_other_from_its_vector(
    remote, server, tmp_path, clock
):
    server.poison = "PILL"
    await tell(remote, *SAID[:2], "PILL", SAID[2])
    hits = await search(remote)
    assert hits.mode == f"lexical + {NAME} (partial) + {WORDS.name}"
    assert hits[0].text == SAID[0]
    assert hits[0].similarity > 0.4
    assert vectors(tmp_path) == 3
    assert (await search(remote, "PILL")).mode == WORDS_ALONE  # the question itself, this once
    assert not remote.outages.errors("read")
    asked = len(server.texts)
    await tell(remote, "Gin is worse.")
    hits = await search(remote, "Which spirit is worse?")
    assert {hit.text: hit.similarity for hit in hits}["Gin is worse."] > 0.2
    assert [len(texts) for texts in server.texts[asked:]] == [1, 1]  # the new row, the question
    check_index(tmp_path / FILE)
    server.poison = None
    clock.move(outages.LONGEST)
    assert (await search(remote)).mode == BOTH
    check_index_is_whole(tmp_path / FILE, NAME, WORDS.name)


async def test_a_row_that_cannot_be_read_is_asked_for_less_and_less_often(remote, server, clock):
    server.poison = "PILL"
    await tell(remote, "PILL")
    asked = []
    for seconds in (0, 29, 1, 59, 1):
        clock.move(timedelta(seconds=seconds))
        before = len(server.texts)
        await search(remote)
        asked.append(any("PILL" in text for texts in server.texts[before:] for text in texts))
    assert asked == [True, False, True, False, True]


async def test_a_query_that_gets_no_answer_is_asked_by_words(remote, server):
    await tell(remote, *SAID)
    await search(remote)
    server.fail([Fault.SILENCE])
    hits = await search(remote, "rum", patience_s=0)
    assert hits.mode == WORDS_ALONE
    assert hits[0].text == "Rum is bad."


async def test_windows_get_longer_and_end_with_an_answer(clock):
    known, now = outages.Outages(), clock.now()
    error = outages.ModelError("It is out of order.", permanent=False)
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        known.began("m", "read", error, now=now)
        assert known.rests("m", "read", now=now + timedelta(seconds=seconds - 1))
        now += timedelta(seconds=seconds)
        assert not known.rests("m", "read", now=now)
    assert not known.rests("m", "index", now=now)
    known.ended("m", "read")
    known.began("m", "read", error, now=now)
    assert not known.rests("m", "read", now=now + outages.FIRST)


async def test_a_server_that_asks_for_time_gets_it(remote, server, clock):
    await tell(remote, *SAID)
    server.fail([Fault.RATE])
    await search(remote)
    clock.move(outages.FIRST - timedelta(seconds=1))
    assert (await search(remote)).mode == WORDS_ALONE
    clock.move(timedelta(seconds=1))
    assert (await search(remote)).mode == BOTH


async def test_the_background_task_tells_of_it_waits_and_catches_up(
    remote, server, tmp_path, clock
):
    server.fail(repeat(Fault.UNAUTHORIZED))
    await tell(remote, *SAID)
    worker = Worker(remote, owner="1-test", run_jobs=False)
    with anyio.fail_after(20):
        assert await worker.run_once()  # the words
        assert not await worker.run_once()
    assert len(server.requests) == 1
    assert "refused the key. See OPENAI_API_KEY." in (await worker.status()).last_error
    server.fail([])
    clock.move(outages.LONGEST)
    with anyio.fail_after(20):
        assert await worker.run_once()
        assert not await worker.run_once()
    check_index_is_whole(tmp_path / FILE, NAME, WORDS.name)


async def test_the_background_task_wakes_a_model_that_is_too_slow_for_a_read(remote, server, clock):
    await tell(remote, *SAID)
    await search(remote)
    server.fail([Fault.SILENCE])
    assert (await search(remote)).mode == WORDS_ALONE
    asked = len(server.texts)
    worker = Worker(remote, owner="1-test", run_jobs=False)
    with anyio.fail_after(20):
        assert not await worker.run_once()
        assert not await worker.run_once()
    assert server.texts[asked:] == [[index.REVIVING]]
    assert (await worker.status()).healthy
    clock.move(outages.FIRST)
    assert (await search(remote)).mode == BOTH


@pytest.mark.parametrize("dimensions", [2, 7, 3_072, 8_192])
async def test_vectors_may_be_short_or_long(remote, server, dimensions):
    server.embed = HashEmbedder(dimensions).encode
    words = ("tea", "rum", "milk", "gin")
    await tell(remote, *(f"{words[n % 4]} number {n} is here." for n in range(100)))
    await index_now(remote)
    for core in (remote, replace(remote, corpora=CorpusCache())):  # the second loads segments
        hits = await search(core, "gin number 7")
        assert hits.mode == f"lexical + openai:model-1@{dimensions} + {WORDS.name}"
        assert hits[0].text == "gin number 7 is here."


async def test_a_past_pack_asks_for_no_vector_that_is_there(remote, server, clock):
    await tell(remote, *SAID)
    await index_now(remote)
    moment = clock.now()
    clock.move(timedelta(hours=2))
    anew = replace(remote, sentences=server.embedder(pace=HASTY))
    asked = len(server.texts)
    pack = await packs.compile_pack(
        anew, LOCAL_USER, PackQuery(query=ASKED, as_of=moment + timedelta(hours=1))
    )
    assert SAID[0] in pack.as_prompt()
    assert [len(texts) for texts in server.texts[asked:]] == [
        16,
        1,
    ]  # what it asks first, the query


async def test_what_was_forgotten_has_no_vector_and_is_not_sent_again(remote, server, tmp_path):
    await tell(remote, *SAID)
    await search(remote)
    request = ForgetRequest(handles=("e3",))
    await forgetting.forget(remote, LOCAL_USER, request, confirmed=True)
    asked = len(server.texts)
    hits = await search(replace(remote, corpora=CorpusCache()))
    assert sorted(hit.text for hit in hits) == sorted(SAID[:2])
    assert server.texts[asked:] == [[ASKED]]
    assert vectors(tmp_path) == 2


async def test_the_settings_may_change_the_model_there_and_back(server, tmp_path):
    def settings(embedder):
        return load_settings(
            database=str(tmp_path / FILE), embedder=embedder, openai_base_url=server.url
        )

    modes = []
    for embedder in ("auto", "openai:model-1", "auto", "openai:model-1", "none"):
        async with open_app(settings(embedder)) as app:
            await tell(app.core, f"{SAID[0]} {len(modes)}")
            hits = await search(app.core)
            modes.append(hits.mode)
            if embedder != "none":
                assert SAID[0] in hits[0].text
    bundled = f"lexical + {SENTENCES.name} + {WORDS.name}"
    assert modes == [bundled, BOTH, bundled, BOTH, "lexical"]
