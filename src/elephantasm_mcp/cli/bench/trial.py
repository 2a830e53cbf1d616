"""A trial: one conversation taken in, and its questions asked of the memory and of the baselines.

Owns how this memory is asked and its answers are mapped back to turns. Invariant: what is measured
depends on the conversation alone: every setting has its default, and the clock stands still a day
after the last turn, so that no session is a current one.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias
from uuid import UUID

from elephantasm_mcp.app import choose_embedders, open_app
from elephantasm_mcp.cli.bench import measures
from elephantasm_mcp.cli.bench.baselines import FullText, Lines, Sentences, fuse
from elephantasm_mcp.cli.bench.conversations import Conversation, Question, Turn
from elephantasm_mcp.cli.bench.embedding import RememberingEmbedder
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import dreams, events, packs, recall
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.formats.bench import BenchConversation, BenchTurn, bench_events
from elephantasm_mcp.memory.formats.items import Parsed, Rejected
from elephantasm_mcp.memory.past import StoppedClock
from elephantasm_mcp.memory.transfer import BATCH_EVENTS
from elephantasm_mcp.ports import Embedder, WordEmbedder
from elephantasm_mcp.pure.text import words
from elephantasm_mcp.settings import Settings, load_settings
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import EventCreate, User

MEMORY: Final = "elephantasm"
FULL_TEXT: Final = "FTS5"
FUSION: Final = "rank fusion"

TURN_KS: Final = (5, 10, 20)
NDCG_K: Final = 10
HIT_SESSIONS: Final = 5
SESSIONS: Final = 10
PACK_TOKENS: Final = (2_000, 4_000)
HITS: Final = 200
"""How many hits are asked for: what the first ten sessions need, and the most that there may be."""
AFTER: Final = timedelta(days=1)

Figures: TypeAlias = Mapping[str, float]
"""Measures of one answer by name; without those of turns where only sessions are known."""
WordSets: TypeAlias = Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Models:
    """The embedders of a run, loaded once."""

    sentences: Embedder | None
    words: WordEmbedder | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How every system answered one question."""

    category: str
    mode: str
    """The models that this memory used."""
    figures: Mapping[str, Figures]
    """By system."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """A memory that holds a conversation, and which of its turns each event is."""

    core: Core
    user: User
    places: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system found: turns by place, best first, and the words of the lines of its packs."""

    ranking: Sequence[int]
    packs: Mapping[int, WordSets]
    """By budget in tokens."""


def choose_models(embedder: str) -> Models:
    """The models of the setting `embedder`, not loaded yet.

    Of the user's other settings only the key and the address of a server take part.

    Raises:
        ValidationError: the setting means nothing.
    """
    return Models(*choose_embedders(load_settings(embedder=embedder)))


async def run(
    conversation: Conversation, models: Models, *, on_step: Callable[[], None]
) -> list[Outcome]:
    """Take a conversation in, dream once, and ask its questions.

    `on_step` is called after each of them.

    Raises:
        ValidationError: a turn cannot be stored.
        StorageError: the temporary database failed.
        ServerError: a model cannot be loaded.
    """
    if models.sentences is not None:
        models = replace(models, sentences=RememberingEmbedder(models.sentences))
    outcomes: list[Outcome] = []
    turns = conversation.turns
    said = [measures.content_words(turn.text) for turn in turns]
    async with _remembering(conversation, models) as memory:
        baselines = _Baselines(turns, models)
        for question in conversation.questions:
            answer, mode = await _ask(memory, question.text)
            answers = {MEMORY: answer, **baselines.ask(question.text)}
            figures = {name: judge(question, one, turns, said) for name, one in answers.items()}
            outcomes.append(Outcome(question.category, mode, figures))
            on_step()
    return outcomes


def judge(
    question: Question, answer: Answer, turns: Sequence[Turn], said: WordSets
) -> dict[str, float]:
    """All measures of one answer."""
    ids = [turns[place].id for place in answer.ranking]
    sessions = measures.distinct(turns[place].session for place in answer.ranking)
    figures: dict[str, float] = {}
    if question.gold:
        for k in TURN_KS:
            figures[f"recall@{k}"] = measures.recall_at(k, ids, question.gold)
        figures[f"ndcg@{NDCG_K}"] = measures.ndcg_at(NDCG_K, ids, question.gold)
    gold_sessions = question.gold_sessions
    figures[f"any_session@{HIT_SESSIONS}"] = measures.hit_at(HIT_SESSIONS, sessions, gold_sessions)
    figures[f"sessions@{SESSIONS}"] = measures.recall_at(SESSIONS, sessions, gold_sessions)
    wanted = [held for turn, held in zip(turns, said, strict=True) if turn.id in question.gold]
    if wanted:
        for tokens, lines in answer.packs.items():
            figures[f"evidence@{tokens}"] = measures.coverage(wanted, lines)
    return figures


@asynccontextmanager
async def _remembering(conversation: Conversation, models: Models) -> AsyncIterator[_Memory]:
    """A memory of this conversation alone, in a database that goes away."""
    now = max(turn.time for turn in conversation.turns) + AFTER
    with TemporaryDirectory(prefix="elephantasm-bench-") as folder:
        # Constructed, not loaded: no setting of the user's takes part.
        settings = Settings.model_construct(database=str(Path(folder) / "memory.sqlite3"))
        async with open_app(settings) as app:
            core = replace(
                app.core,
                clock=StoppedClock(now),
                sentences=models.sentences,
                words=models.words,
            )
            places = await take_in(core, app.user, conversation)
            await dreams.run(core, app.user, anima=None)
            yield _Memory(core, app.user, places)


async def take_in(core: Core, user: User, conversation: Conversation) -> dict[UUID, int]:
    """Record the turns as `import bench` does, and say which event is which turn."""
    turns = [
        BenchTurn(id=t.id, session=t.session, author=t.author, time=t.time, text=t.text)
        for t in conversation.turns
    ]
    items = bench_events([BenchConversation(id=conversation.id, turns=turns)])
    requests = [_request(item) for item in items]
    places: dict[UUID, int] = {}
    for first in range(0, len(requests), BATCH_EVENTS):
        recorded = await events.record(core, user, requests[first : first + BATCH_EVENTS])
        for place, one in enumerate(recorded.events, start=first):
            places[one.event.id] = place
    return places


def _request(item: Parsed) -> EventCreate:
    """The event of a turn, in the default anima.

    Raises:
        ValidationError: it can be none.
    """
    if isinstance(item, Rejected):
        raise ValidationError(f"{item.place}: {item.reason}")
    return item.request.model_copy(update={"anima_id": None})


async def _ask(memory: _Memory, question: str) -> tuple[Answer, str]:
    """What this memory finds, and the models in use."""
    core, user = memory.core, memory.user
    query = SearchQuery(query=question, layers=("event",), limit=HITS)
    hits = await recall.search(core, user, query, patience_s=inf)
    told: dict[int, WordSets] = {}
    for tokens in PACK_TOKENS:
        asked = PackQuery(query=question, max_tokens=tokens)
        pack = await packs.compile_pack(core, user, asked, patience_s=inf)
        lines = pack.as_prompt().splitlines() if pack else ()
        told[tokens] = [frozenset(words(line)) for line in lines]
    return Answer([memory.places[hit.id] for hit in hits], told), hits.mode


class _Baselines:
    """The other systems over the same turns."""

    def __init__(self, turns: Sequence[Turn], models: Models) -> None:
        self._lines = Lines(turns)
        self._full_text = FullText(turns)
        embedder = models.sentences or models.words
        self._sentences = Sentences(turns, embedder) if embedder else None

    def ask(self, question: str) -> dict[str, Answer]:
        """What each of them finds; without a model there is no fusion."""
        by_words = self._full_text.rank(question)
        rankings = {FULL_TEXT: by_words}
        if self._sentences is not None:
            rankings[FUSION] = fuse(by_words, self._sentences.rank(question))
        return {system: self._answer(ranking) for system, ranking in rankings.items()}

    def _answer(self, ranking: list[int]) -> Answer:
        told: dict[int, WordSets] = {}
        for tokens in PACK_TOKENS:
            chosen = self._lines.fill(ranking, budget_tokens=tokens)
            told[tokens] = [self._lines.words[place] for place in chosen]
        return Answer(ranking, told)
