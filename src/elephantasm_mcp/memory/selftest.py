"""Self-test: whether what an anima holds can be found by the words it was made of.

Owns the sample, the questions and what counts as found; the search is `recall`'s own, as everybody
has it. Invariant: nothing is written, not even a vector that is missing, and the same rows give the
same questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.memory import index, recall, standing
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.text import query_words, stem
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events, memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.search import LAYERS
from elephantasm_mcp.types.reading import SearchQuery
from elephantasm_mcp.types.records import AnimaNo, RowId, User, handle_of

if TYPE_CHECKING:
    from elephantasm_mcp.pure.corpus import Corpus

SAMPLE: Final = 200
"""How many rows of an anima are asked for at most."""
ASKED_WORDS: Final = 6
"""How many words a question has: the rarest of a source."""
FEWEST_WORDS: Final = 3
"""A shorter quotation says too little to be asked for; then the whole source counts."""
TOP: Final = 10
"""A row counts as found among so many hits: what a search gives that does not say how many."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A row that was not found, and how it was asked for."""

    handle: str
    source: str
    """The event whose words were asked."""
    question: str


@dataclass(slots=True)
class SelfTest:
    """How much of an anima can be found."""

    anima: str
    rows: int
    """Memories and knowledge that it holds, but for what was archived."""
    mode: str = recall.NO_QUERY
    """The models that took part; see `SearchHits`."""
    asked: int = 0
    found: int = 0
    by_source: int = 0
    """Of those found: not the row itself, but an event that it was made of."""
    unasked: int = 0
    """Of the sample: rows whose sources have gone, or have no word."""
    missed: list[Missed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """One row: what is asked for it, and what may answer."""

    handle: str
    source: str
    question: str
    itself: frozenset[str]
    """The row, or what superseded it."""
    sources: frozenset[str]


async def examine(core: Core, user: User, anima: StoredAnima, *, sample: int = SAMPLE) -> SelfTest:
    """Ask for a sample of an anima's memories and knowledge by words of their sources.

    The sample is spread evenly over the rows in the order in which they were made. What has no
    vector yet takes part by its words alone, and `mode` says so.

    Raises:
        NotFoundError: the anima has gone.
    """
    await index.load_embedders(core)
    rows, cases = await core.database.read(_cases, core, anima.anima_no, sample)
    done = SelfTest(anima=anima.anima.name, rows=rows)
    for case in cases:
        if case is None:
            done.unasked += 1
        else:
            await _ask(core, user, anima, case, done)
    return done


async def _ask(core: Core, user: User, anima: StoredAnima, case: Case, done: SelfTest) -> None:
    query = SearchQuery(query=case.question, anima=anima.id, limit=TOP)
    hits = await recall.search(core, user, query)
    handles = {hit.handle for hit in hits if not hit.weak}  # a weak one stands in no pack
    by_source = not handles.isdisjoint(case.sources)
    done.asked += 1
    done.mode = hits.mode
    if not handles.isdisjoint(case.itself):
        done.found += 1
    elif by_source:
        done.found += 1
        done.by_source += 1
    else:
        done.missed.append(Missed(case.handle, case.source, case.question))


def _cases(tx: Tx, core: Core, anima_no: AnimaNo, sample: int) -> tuple[int, list[Case | None]]:
    """How many rows there are, and the questions for a sample of them; None for one without."""
    anima = anima_store.get(tx, anima_no)
    corpus = core.corpora.get(tx, anima, index.models_of(core)).corpus
    commonness = how_common(corpus)
    rows = _rows(tx, corpus)
    count = min(sample, len(rows))
    chosen = [rows[place * len(rows) // count] for place in range(count)]
    return len(rows), [case_for(tx, anima, layer, id_, commonness) for layer, id_ in chosen]


def how_common(corpus: Corpus) -> Callable[[str], int]:
    """How often a word stands in an anima's rows, in all its forms."""
    import numpy as np

    occurrences = np.bincount(corpus.tokens, minlength=len(corpus.lexicon))

    def commonness(word: str) -> int:
        forms = corpus.lexicon.forms(stem(word), below=len(occurrences))
        return sum(int(occurrences[form]) for form in forms)

    return commonness


def _rows(tx: Tx, corpus: Corpus) -> list[tuple[DerivedLayer, RowId]]:
    """The memories and the knowledge that are not archived, each in the order of their ids."""
    import numpy as np

    order = np.lexsort((corpus.ids, corpus.layers))
    rows: list[tuple[DerivedLayer, RowId]] = []
    for place in order.tolist():
        layer, id_ = LAYERS[corpus.layers[place]], RowId(int(corpus.ids[place]))
        if layer != "event" and not (corpus.hidden[place] and standing.is_archived(tx, layer, id_)):
            rows.append((layer, id_))
    return rows


def case_for(
    tx: Tx, anima: StoredAnima, layer: DerivedLayer, id_: RowId, commonness: Callable[[str], int]
) -> Case | None:
    """What to ask for a row: of its first source, the words that were taken from it.

    None when its sources have gone or have no word.
    """
    links = [link for link in memories.links_of(tx, layer, id_) if link.source_layer == "event"]
    links.sort(key=lambda link: link.quote is None)
    source = events.get(tx, anima, links[0].source_id) if links else None
    if source is None:
        return None
    quoted = query_words(links[0].quote or "")
    found = quoted if len(quoted) >= FEWEST_WORDS else query_words(source.event.content)
    rarest = sorted(found, key=commonness)[:ASKED_WORDS]
    if not rarest:
        return None
    itself = [id_, *standing.successors(tx, layer, id_)]
    return Case(
        handle=handle_of(layer, id_),
        source=source.event.handle,
        question=" ".join(word for word in found if word in rarest),
        itself=frozenset(handle_of(layer, one) for one in itself),
        sources=frozenset(handle_of("event", link.source_id) for link in links),
    )
