"""Embedders over HTTP: what they send, what becomes of answers and failures."""

from functools import partial
from itertools import repeat

import anyio
import numpy as np
import pytest

import providers
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.embedding.remote import (
    LEAST_CHARS,
    PACE,
    REQUEST_CHARS,
    SAMPLES,
    TEXT_CHARS,
    RemoteEmbedder,
)
from elephantasm_mcp.errors import ModelError, UnreadableTextsError
from providers import SLOW, BadVectors, Fault

TEXTS = ["A cat sleeps.", "A kitten naps.", "The invoice is late."]
SAID_PLAINLY = {
    Fault.UNAUTHORIZED: "refused the key. See OPENAI_API_KEY.",
    Fault.NO_MODEL: "there is no such model, or the base URL is wrong. See ELEPHANTASM_EMBEDDER",
    Fault.BAD_REQUEST: "ELEPHANTASM_EMBEDDER must name an embedding model.",
    Fault.HTML: "cannot be read",
    Fault.HUGE: "sent more than an answer may have",
    Fault.HANG_UP: "was not reached at 127.0.0.1",
    BadVectors.FEW: "answered with 15 vectors for 16 texts",
    BadVectors.NAN: "vectors without a direction",
    BadVectors.CUT: "cannot be read",
}


@pytest.fixture
async def server():
    async with providers.providers() as running:
        yield running


async def on_thread(call, *arguments):
    with anyio.fail_after(20):
        return await anyio.to_thread.run_sync(partial(call, *arguments), abandon_on_cancel=True)


async def test_name_and_dimensions_are_whole_once_the_server_answered(server):
    embedder = server.embedder()
    assert (embedder.name, embedder.dimensions, embedder.loaded) == ("openai:model-1", 0, False)
    await on_thread(embedder.load)
    await on_thread(embedder.load)
    assert embedder.loaded
    assert (embedder.name, embedder.dimensions) == ("openai:model-1@384", 384)
    assert server.texts == [list(SAMPLES)]


@pytest.mark.parametrize("plain", [False, True])
async def test_vectors_come_in_the_order_of_the_texts(server, plain):
    server.plain_numbers = plain
    vectors = await on_thread(server.embedder().encode, TEXTS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    cat, kitten, invoice = vectors
    assert cat @ kitten > 0.5
    assert cat @ invoice < 0.3


async def test_a_request_holds_the_texts_the_model_and_the_key(server):
    embedder = server.embedder()
    await on_thread(embedder.encode, TEXTS)
    assert server.requests[-1] == {"model": "model-1", "input": TEXTS, "encoding_format": "base64"}
    assert server.headers[-1]["authorization"] == "Bearer sk-test"


async def test_what_unrelated_texts_share_is_no_likeness(server):
    """A model whose vectors all point the same way tells texts apart as well as any other."""
    bundled = server.embed

    def leaning(texts):
        return bundled(texts) + np.eye(1, 384) * 2

    texts = [f"{text} And so on." for text in SAMPLES] + TEXTS
    before = leaning(texts) / np.linalg.norm(leaning(texts), axis=1, keepdims=True)
    server.embed = leaning
    vectors = await on_thread(server.embedder().encode, texts)
    assert np.median(before @ before.T) > 0.7
    assert np.median(vectors @ vectors.T) < 0.2
    assert vectors[-3] @ vectors[-2] > 0.5


async def test_many_texts_are_sent_in_bounded_requests(server):
    server.embed = HashEmbedder().encode
    embedder = server.embedder()
    short = [f"Line {number}." for number in range(PACE.rows + 1)]
    found = await on_thread(embedder.encode, short)
    assert [len(texts) for texts in server.texts[1:]] == [PACE.rows, 1]
    assert (found[:3] == await on_thread(embedder.encode, short[:3])).all()
    await on_thread(embedder.encode, ["word " * TEXT_CHARS] * 20)
    for texts in server.texts:
        assert sum(map(len, texts)) <= REQUEST_CHARS
        assert max(map(len, texts)) <= TEXT_CHARS


async def test_a_blank_text_is_not_sent_and_resembles_nothing(server):
    embedder = server.embedder()
    vectors = await on_thread(embedder.encode, ["", "A cat sleeps.", " \n"])
    assert server.texts[-1] == ["A cat sleeps."]
    assert vectors[0].tolist() == vectors[2].tolist()
    assert abs(vectors[0] @ vectors[1]) < 0.3
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    assert (await on_thread(embedder.encode, [])).shape == (0, 384)


async def test_a_text_that_unicode_cannot_say_is_sent_all_the_same(server):
    (vector,) = await on_thread(server.embedder().encode, ["\ud800 lone"])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


async def test_a_text_that_is_too_long_for_the_model_is_cut(server):
    server.longest = 1_000
    texts = ["A cat sleeps.", "A cat sleeps. " * 300, "The invoice is late."]
    vectors = await on_thread(server.embedder().encode, texts)
    assert vectors[0] @ vectors[1] > 0.5
    assert vectors[0] @ vectors[2] < 0.3


async def test_a_text_that_is_always_refused_does_not_keep_others_from_their_vectors(server):
    embedder = server.embedder()
    await on_thread(embedder.load)
    server.longest = max(map(len, SAMPLES))
    assert server.longest < LEAST_CHARS
    odd = "x" * (server.longest + 1)
    vectors = await on_thread(embedder.encode, ["A cat sleeps.", odd, "A kitten naps."])
    assert vectors[0] @ vectors[2] > 0.5
    assert abs(vectors[0] @ vectors[1]) < 0.3


async def test_a_server_that_breaks_over_the_end_of_a_text_reads_its_beginning(server):
    server.poison = "xyzzy"
    texts = ["A cat sleeps.", "A cat sleeps. " * 20 + "xyzzy", "The invoice is late."]
    vectors = await on_thread(server.embedder().encode, texts)
    assert vectors[0] @ vectors[1] > 0.5
    assert vectors[0] @ vectors[2] < 0.3


async def test_a_server_that_breaks_over_a_short_text_says_which_and_takes_the_others(server):
    server.poison = "xyzzy"
    embedder = server.embedder()
    with pytest.raises(UnreadableTextsError, match="breaks over 1 text ") as caught:
        await on_thread(embedder.encode, ["", "A cat sleeps.", "xyzzy", "A kitten naps."])
    assert caught.value.places == {2}
    assert (await on_thread(embedder.encode, ["A cat sleeps.", "A kitten naps."])).shape == (2, 384)


async def test_a_server_that_broke_once_is_asked_again(server):
    embedder = server.embedder()
    await on_thread(embedder.load)
    server.fail([Fault.BROKEN])
    assert (await on_thread(embedder.encode, TEXTS)).shape == (3, 384)


async def test_a_server_that_refuses_everything_refuses_no_single_text(server):
    embedder = server.embedder()
    await on_thread(embedder.load)
    server.longest = 0
    with pytest.raises(ModelError, match="does not take what it was sent"):
        await on_thread(embedder.encode, TEXTS)


@pytest.mark.parametrize(
    ("fault", "loaded"),
    [
        (fault, loaded)
        for fault in providers.OF_VECTORS
        for loaded in (False, True)
        if loaded or fault != BadVectors.SHORT  # than what?
    ],
)
async def test_a_fault_is_an_error_of_ours_and_the_next_call_goes_well(server, fault, loaded):
    embedder = server.embedder(deadline_s=providers.SHORT_S if fault in SLOW else 10)
    if loaded:
        await on_thread(embedder.load)
    asked = len(server.requests)
    server.fail(repeat(fault))
    with pytest.raises(ModelError) as caught:
        await on_thread(embedder.encode, TEXTS)
    assert str(caught.value).startswith("openai:model-1 ")
    assert "sk-test" not in caught.value.explain()
    if not loaded:
        assert SAID_PLAINLY.get(fault, "") in caught.value.explain()
    assert len(server.requests) - asked <= 1 + loaded  # whether it is about these texts
    server.fail([])
    assert (await on_thread(embedder.encode, TEXTS)).shape == (3, 384)


async def test_a_model_that_was_changed_in_place_is_told_apart(server):
    embedder = server.embedder()
    await on_thread(embedder.load)
    server.embed = HashEmbedder().encode
    with pytest.raises(ModelError, match="another length") as caught:
        await on_thread(embedder.encode, TEXTS)
    assert "start again" in caught.value.explain()
    other = server.embedder()
    await on_thread(other.load)
    assert other.name == "openai:model-1@64"


@pytest.mark.parametrize("noise", [0, 1e-4])
async def test_a_model_that_has_one_vector_for_everything_is_not_believed(server, noise):
    bundled = server.embed
    server.embed = lambda texts: np.ones((len(texts), 384)) / 384**0.5 + noise * bundled(texts)
    embedder = server.embedder()
    with pytest.raises(ModelError, match="one vector for texts that have nothing in common"):
        await on_thread(embedder.load)
    assert not embedder.loaded
    server.embed = bundled
    await on_thread(embedder.load)
    assert embedder.loaded


async def test_a_request_ends_with_the_task_that_wanted_it(server):
    server.fail([Fault.SILENCE])
    embedder = server.embedder(deadline_s=60)
    with anyio.move_on_after(providers.SHORT_S):
        await anyio.to_thread.run_sync(embedder.load, abandon_on_cancel=True)
    assert not embedder.loaded
    await on_thread(embedder.load)  # else it waited for the other thread, and for the server
    assert embedder.loaded


async def test_a_server_of_ones_own_needs_no_key_and_openai_does(server):
    await on_thread(server.embedder(api_key=None).load)
    with pytest.raises(ModelError, match="OPENAI_API_KEY is not set"):
        await on_thread(RemoteEmbedder(api_key=None).load)


def test_outside_of_an_event_loop_it_asks_by_itself():
    with pytest.raises(ModelError, match=r"was not reached at 127\.0\.0\.1:9"):
        RemoteEmbedder(api_key=None, base_url="http://127.0.0.1:9/v1").load()
