"""What the services need from the outside, as protocols. Implementations are chosen in `app`.

Owns no behaviour. Invariant: nothing here imports a driver, a provider or a framework, so each
port can be implemented, and faked, without the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
)
from uuid import UUID

from pydantic import BaseModel

if TYPE_CHECKING:
    from elephantasm_mcp.pure.vectors import FloatMatrix
    from elephantasm_mcp.types.proposals import Proposals, SynthesisBatch

P = ParamSpec("P")
T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)

Value: TypeAlias = str | int | float | bytes | None
"""What may be bound to a statement's parameter."""
Row: TypeAlias = dict[str, Any]


class Tx(Protocol):
    """One open transaction. Statements are called by name; parameters are always bound.

    Every method may raise `StorageError`.
    """

    def one(self, statement: str, **parameters: Value) -> Row | None:
        """The first row, or None."""
        ...

    def all(self, statement: str, **parameters: Value) -> list[Row]:
        """All rows, in the statement's order, keyed by column name."""
        ...

    def tuples(self, statement: str, **parameters: Value) -> list[tuple[Any, ...]]:
        """All rows as bare tuples: for thousands of rows, where keys would cost more than data."""
        ...

    def run(self, statement: str, **parameters: Value) -> int:
        """Execute, and say how many rows changed."""
        ...

    def many(self, statement: str, rows: Iterable[Mapping[str, Value]]) -> None:
        """Execute once for each mapping of parameters."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """What `doctor` says of the store."""

    engine: str
    location: str
    schema_version: int
    size_bytes: int
    writable: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What came of a scrub: nothing under `problems` means that no deleted byte is left."""

    removed: tuple[str, ...] = ()
    """Names of copies of ours that were removed."""
    problems: tuple[str, ...] = ()


class Database(Protocol):
    """An open store. A transaction is one synchronous function, run on a thread in one hop.

    Cancelling the caller never strands a transaction: the function either ran whole and was
    committed, or left no trace. Several `write` calls may share one commit; each is atomic by
    itself, and a failing one does not disturb its neighbours.
    """

    @property
    def schema_version(self) -> int:
        """The number of the last migration, which every open store has."""
        ...

    async def write(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `fn(tx, …)` and return once it is durable.

        `fn` may run twice, and only what it did the second time counts: it must do nothing that a
        rolled back transaction does not undo.

        Raises:
            StorageError: the database is busy, full, read-only, damaged or closed.
        """
        ...

    async def read(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `fn(tx, …)` on one consistent snapshot; writing in it is an error.

        Raises:
            StorageError: the database is busy, damaged or closed.
        """
        ...

    async def data_version(self) -> int:
        """A number that moves whenever any process has committed since the last call."""
        ...

    async def health(self) -> DatabaseHealth:
        """Run the engine's integrity check and describe the file. May take seconds."""
        ...

    async def scrub(self) -> Scrubbed:
        """Leave no byte of deleted rows in the store's own files, copies of ours included.

        May take as long as copying the store. Other processes may read and write meanwhile; what
        they keep from being done in time stands in the answer.
        """
        ...

    async def back_up(self, target: Path, *, replace: bool = False) -> int:
        """Copy all that was committed before the call to a new file, while others go on writing.

        The engine found the copy sound, and it is for its owner alone. Returns its size in bytes.

        Raises:
            ConflictError: there is a file of that name, and it is not to be replaced.
            StorageError: the store is damaged, or the copy cannot be written.
        """
        ...

    def scratch(self) -> AbstractAsyncContextManager[Database]:
        """An empty store of the same schema, in memory, that is gone at the end of the block."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...


class Ids(Protocol):
    """The only source of new ids and of randomness."""

    def uuid(self) -> UUID:
        """A new UUID, version 7: ids made later sort later."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How an embedder wants to be asked."""

    rows: int
    """How many texts are best given at once."""
    read_s: float = inf
    """How long somebody who reads waits for one text; finite for one that may not answer."""

    def patience_s(self, texts: int) -> float:
        """How long somebody who reads waits for so many texts."""
        return self.read_s * (1 + texts / 16)


LOCAL: Final = Pace(rows=16)
"""In this process: even 16 long texts take about 0.15 s, so that a stop is prompt."""


class Embedder(Protocol):
    """Texts in, unit vectors out. Blocking: call it on a thread.

    `name` is stored with every vector and changes whenever the numbers would. Name and dimensions
    of a model that others run are whole once it is loaded; the bundled ones' are known before.
    """

    @property
    def name(self) -> str:
        """The model and the version of our way to use it."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of each vector; 0 while it is not known."""
        ...

    @property
    def pace(self) -> Pace:
        """How it wants to be asked."""
        ...

    @property
    def loaded(self) -> bool:
        """True once `load` has finished."""
        ...

    def load(self) -> None:
        """Read the model (tens of milliseconds to a second). Idempotent, thread-safe.

        Raises:
            ServerError: the model is missing or damaged (its SHA-256 does not match), or those who
                run it do not answer.
        """
        ...

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text, shape (len(texts), dimensions).

        A text's vector depends on that text alone. One without any known word gives a fixed unit
        vector, never zeros or NaN.

        Raises:
            UnreadableTextsError: it cannot read some of these texts, and takes the others.
            ServerError: see `load`.
        """
        ...


class WordEmbedder(Embedder, Protocol):
    """An embedder that also knows single words."""

    def word_vectors(self, words: Sequence[str]) -> FloatMatrix:
        """One unit vector a word, shape (len(words), dimensions); zeros for an unknown one."""
        ...


class Synthesizer(Protocol):
    """Makes memories of events.

    `name` is written into every row it makes; `provisional` says that a better one may redo them.
    """

    @property
    def name(self) -> str:
        """What is written into the rows."""
        ...

    @property
    def provisional(self) -> bool:
        """True when a better synthesizer may replace what this one wrote."""
        ...

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """Propose memories for one batch. Proposes nothing for small talk.

        Raises:
            ServerError: no usable answer; the batch may be tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked: instructions of ours, and remembered text, which is data."""

    instructions: str
    """The system prompt, from a text file of the package."""
    data: str
    """The fenced data: the user message."""
    max_tokens: int
    """Of the answer."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took."""

    model: str
    tokens_in: int
    tokens_out: int
    duration_s: float
    cost_usd: float | None
    """None when the price is not known."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a model said, and what that took."""

    value: T
    usage: Usage


class LanguageModel(Protocol):
    """A language model that answers in a given shape. It has no tools and no memory of its own."""

    @property
    def name(self) -> str:
        """`anthropic:<model>` or `openai:<model>`: what is written into rows."""
        ...

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """Exactly one call to the provider; the answer validated by the pydantic model `shape`.

        Raises:
            ModelError: permanent (key, refusal, unknown model, bad address) or not (no answer, 429,
                5xx, an answer that cannot be read).
        """
        ...


class Ask(Protocol):
    """Asking the language model within the budget, as `memory/deep_sleep.py` is given it."""

    async def __call__(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """One call that counts.

        Raises:
            ModelError: no usable answer.
            BudgetError: the day's tokens are spent.
        """
        ...


SynthesizerOver: TypeAlias = Callable[[LanguageModel], Synthesizer]
"""Makes the synthesizer that asks a model."""
