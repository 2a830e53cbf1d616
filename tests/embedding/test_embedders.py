"""What every embedder promises, and what each means by similar."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elephantasm_mcp.embedding.bundle import BUNDLED
from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.embedding.onnx import OnnxEmbedder
from elephantasm_mcp.embedding.static import StaticEmbedder
from elephantasm_mcp.errors import ServerError

EMBEDDERS = [OnnxEmbedder(), StaticEmbedder(), HashEmbedder()]
every_embedder = pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda each: each.name)
bundled_embedder = pytest.mark.parametrize("kind", [OnnxEmbedder, StaticEmbedder])

AWKWARD = {
    "empty": "",
    "blanks": " \t\n",
    "punctuation": "?!...",
    "unknown": "☃ \U0001f9ff",
    "nul": "\0",
    "surrogate": "\ud800 lone",
    "accents alone": "\u0301" * 50,
    "long word": "x" * 1_000_000,
    "long text": "remember the milk " * 60_000,
    "long Chinese": "我记得" * 300_000,
}
TEXTS = ["She adopted a kitten.", "", "Rent is due on Friday, 1,200 euros.", "猫", "kitten " * 200]


def cosine_of(embedder, one, other):
    first, second = embedder.encode([one, other])
    return float(first @ second)


@every_embedder
@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD.keys())
def test_any_text_has_a_unit_vector(embedder, text):
    (vector,) = embedder.encode([text])
    assert vector.dtype == np.float32
    assert vector.shape == (embedder.dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@every_embedder
@settings(max_examples=50)
@given(text=st.text(st.characters()))
def test_arbitrary_unicode_has_a_unit_vector(embedder, text):
    assert np.linalg.norm(embedder.encode([text])) == pytest.approx(1, abs=1e-5)


@every_embedder
def test_no_texts_have_no_vectors(embedder):
    assert embedder.encode([]).shape == (0, embedder.dimensions)


@every_embedder
def test_a_vector_depends_on_its_text_alone(embedder):
    together = embedder.encode(TEXTS)
    alone = [embedder.encode([text])[0].tolist() for text in TEXTS]
    assert together.tolist() == alone
    assert embedder.encode(TEXTS[::-1])[::-1].tolist() == alone


@every_embedder
def test_another_process_computes_the_same_bytes(embedder):
    kind = type(embedder)
    program = (
        f"from {kind.__module__} import {kind.__name__}\n"
        f"print({kind.__name__}().encode({TEXTS!r}).tobytes().hex())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60, text=True
    )
    assert other.stdout.strip() == embedder.encode(TEXTS).tobytes().hex()


@pytest.mark.parametrize("embedder", EMBEDDERS[:2], ids=lambda each: each.name)
def test_texts_without_a_known_word_share_one_vector(embedder):
    vectors = embedder.encode(["", "☃", "☃ ☃ ☃", "\0", " "])
    assert (vectors == vectors[0]).all()


@pytest.mark.parametrize("embedder", EMBEDDERS[:2], ids=lambda each: each.name)
def test_a_paraphrase_is_nearer_than_another_subject(embedder):
    said = "My daughter started kindergarten on Monday."
    near = cosine_of(embedder, said, "Her child began school this week.")
    assert near > cosine_of(embedder, said, "The database migration failed twice.") + 0.2


@bundled_embedder
def test_a_model_is_read_when_it_is_needed(kind):
    embedder = kind()
    assert not embedder.loaded
    embedder.load()
    embedder.load()
    assert embedder.loaded
    untouched = kind()
    assert untouched.encode(["a cat"]).tolist() == embedder.encode(["a cat"]).tolist()
    assert untouched.loaded


@pytest.mark.parametrize(
    ("kind", "vocabulary", "model"),
    [
        (OnnxEmbedder, "vocab.txt", "paraL3_q8.onnx"),
        (StaticEmbedder, "potion_vocab.txt", "potion8m_int8.npz"),
    ],
)
def test_a_damaged_model_is_refused_and_stays_unloaded(tmp_path, kind, vocabulary, model):
    for name in ("SHA256SUMS", vocabulary):
        shutil.copyfile(str(BUNDLED / name), tmp_path / name)
    (tmp_path / model).write_bytes(b"not a model")
    embedder = kind(folder=tmp_path)
    with pytest.raises(ServerError, match="damaged"):
        embedder.load()
    assert not embedder.loaded


def test_without_onnxruntime_the_error_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ServerError, match="onnxruntime") as caught:
        OnnxEmbedder().load()
    assert "static" in caught.value.hint


def test_importing_the_embedders_imports_no_runtime_and_reads_no_model():
    program = (
        "import sys, elephantasm_mcp.embedding.onnx, elephantasm_mcp.embedding.static\n"
        "print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60, text=True
    )
    assert done.stdout.strip() == "False"


def test_importing_the_package_does_not_import_numpy():
    program = "import sys, elephantasm_mcp.embedding\nprint('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60, text=True
    )
    assert done.stdout.strip() == "False"


def test_the_sentence_model_reads_the_first_126_pieces():
    embedder = EMBEDDERS[0]
    first, longer, shorter = embedder.encode(["cat " * 126, "cat " * 126 + "dog", "cat " * 125])
    assert first.tolist() == longer.tolist()
    assert first.tolist() != shorter.tolist()


def test_the_sentence_model_hears_the_order_of_words_and_word_vectors_do_not():
    texts = ("the dog bit the man", "the man bit the dog")
    assert cosine_of(EMBEDDERS[0], *texts) < 0.999
    assert cosine_of(EMBEDDERS[1], *texts) == pytest.approx(1, abs=1e-6)


def test_related_words_have_near_vectors():
    cat, kitten, invoice = StaticEmbedder().word_vectors(["cat", "kitten", "invoice"])
    assert cat @ kitten > 0.6
    assert cat @ invoice < 0.3


def test_a_word_without_a_known_piece_has_a_row_of_zeros():
    vectors = StaticEmbedder().word_vectors(["cat", "☃", "", "unaffable"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 0, 1], abs=1e-6)
    assert StaticEmbedder().word_vectors([]).shape == (0, 256)


@given(st.lists(st.sampled_from(["cat", "unaffable", "☃", "don't", "Zürich", "xylographer"])))
def test_a_word_has_the_vector_of_the_same_text(words):
    embedder = EMBEDDERS[1]
    found = embedder.word_vectors(words)
    for word, vector in zip(words, found, strict=True):
        if vector.any():
            assert vector == pytest.approx(embedder.encode([word])[0], abs=1e-6)


def test_the_fake_finds_texts_similar_by_their_words():
    fake = HashEmbedder(dimensions=256)
    assert fake.name == "hash-256:1"
    assert cosine_of(fake, "the red house", "The red HOUSE!") == pytest.approx(1)
    assert cosine_of(fake, "the red house", "the red boat") == pytest.approx(2 / 3)


def test_loading_a_model_leaves_nothing_in_the_users_home(tmp_path):
    script = "from elephantasm_mcp.embedding.late import sentences; sentences().load()"
    subprocess.run(
        [sys.executable, "-c", script],
        env={"HOME": str(tmp_path), "PATH": ""},
        check=True,
        timeout=60,
    )
    assert list(tmp_path.rglob("*")) == []
