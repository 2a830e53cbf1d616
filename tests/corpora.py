"""What tests of ranking do again and again: rows, a corpus of them, and a question to it."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from elephantasm_mcp.embedding.fakes import HashEmbedder
from elephantasm_mcp.pure import asking, ranking
from elephantasm_mcp.pure.corpus import EVENT, Corpus, CorpusBuilder, CorpusRow
from elephantasm_mcp.pure.ranking import Ranking
from elephantasm_mcp.pure.vectors import FloatMatrix, Int8Matrix, quantize

SENTENCES, WORDS = HashEmbedder(32), HashEmbedder(16)
MODELS = {SENTENCES.name: SENTENCES.dimensions, WORDS.name: WORDS.dimensions}
FIRST_DAY = date(2026, 3, 2).toordinal()
DAY_MICROS = 86_400_000_000


def event(
    id_: int,
    text: str,
    *,
    day: int | None = None,
    author: str = "User",
    session: str | None = "s",
    second: int | None = None,
) -> CorpusRow:
    """An event of a day after the first; if not told, as many seconds after it as its id."""
    ordinal = FIRST_DAY + (day or 0)
    moment = (ordinal - date(1970, 1, 1).toordinal()) * DAY_MICROS
    moment += 1_000_000 * (id_ if second is None else second)
    return CorpusRow(
        id=id_,
        layer=EVENT,
        text=text,
        author=author,
        session=session,
        start=moment,
        end=moment,
        day=ordinal,
    )


def builder_of(rows: Sequence[CorpusRow], *, models: Sequence[HashEmbedder] = ()) -> CorpusBuilder:
    """A builder with these rows, and their vectors under these models."""
    builder = CorpusBuilder({model.name: model.dimensions for model in models})
    builder.add(rows)
    set_vectors(builder, rows, models=models)
    return builder


def set_vectors(
    builder: CorpusBuilder, rows: Iterable[CorpusRow], *, models: Sequence[HashEmbedder]
) -> None:
    """Fill in the vectors of these rows."""
    for model in models:
        for row in rows:
            builder.set_vectors(model.name, row.layer, [row.id], quantize(model.encode([row.text])))


def corpus_of(*rows: CorpusRow, models: Sequence[HashEmbedder] = ()) -> Corpus:
    """A corpus of these rows."""
    return builder_of(rows, models=models).corpus()


def ask(
    corpus: Corpus,
    question: str,
    *,
    sentences: HashEmbedder | None = None,
    words: HashEmbedder | None = None,
    shown: Sequence[bool] | None = None,
) -> Ranking:
    """The rows of a corpus for a question, with the models that take part."""
    vectors: dict[asking.Kind, tuple[str, np.ndarray]] = {}
    if sentences is not None:
        vectors["sentence"] = sentences.name, sentences.encode([question])[0]
    if words is not None:
        vectors["words"] = words.name, words.encode([question])[0]
    embed = None if words is None else words.word_vectors
    return ranking.rank(
        corpus,
        asking.read(question, vectors, embed),
        shown=~corpus.hidden if shown is None else np.array(shown, dtype=np.bool_),
        embed=embed,
    )


def keys(corpus: Corpus, ranked: Ranking) -> list[tuple[int, int]]:
    """Layer and id of what was ranked, best first."""
    places = ranked.places
    return list(zip(corpus.layers[places].tolist(), corpus.ids[places].tolist(), strict=True))


def seen(corpus: Corpus, ranked: Ranking) -> dict[str, object]:
    """All that can be seen of a ranking, without where its rows stand in the corpus."""
    return {
        "keys": keys(corpus, ranked),
        "scores": ranked.scores.tolist(),
        "parts": ranked.parts.tolist(),
        "relevance": ranked.relevance.tolist(),
        "worth": dict(ranked.worth),
        "similarity": None if ranked.similarity is None else ranked.similarity.tolist(),
    }


def dequantize(stored: Int8Matrix) -> FloatMatrix:
    """Unit rows in the stored directions, none of which is zero."""
    rows = stored.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
