"""Embedders that others run: OpenAI, and whatever speaks its Embeddings API (Ollama, vLLM, …).

Owns what is sent of a text, and how an answer becomes vectors. When one that failed is asked again
is not its matter (`memory/outages.py`). Invariant: a vector that leaves here is finite, of unit
length and as long as all others of this name; nothing that was sent or answered is kept.

Models differ in how alike they find two texts that have nothing in common: cosines of 0 to .8.
What is relevant is told by the cosine (`pure/weights.py`), so what all texts share is taken out:
the mean of some that have nothing in common (Mu and Viswanath 2018, "All-but-the-top").
"""

from __future__ import annotations

from binascii import Error as Base64Error
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias, final

import anyio
import anyio.from_thread
from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ModelError, UnreadableTextsError
from elephantasm_mcp.ports import Pace
from elephantasm_mcp.providers.openai import OpenAIServer
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from httpx2 import Response
    from numpy.typing import NDArray
    from openai import AsyncOpenAI

    from elephantasm_mcp.pure.vectors import FloatMatrix

    Vector: TypeAlias = NDArray[np.float64]

DEFAULT_MODEL: Final = "text-embedding-3-small"
DEADLINE_S: Final = 60.0
"""Of one request: a server of one's own may have to read its model first."""
PACE: Final = Pace(rows=64, read_s=2.0)
REQUEST_CHARS: Final = 50_000
"""Of all texts of one request: some 12,000 tokens, a minute on a slow machine without a GPU."""
TEXT_CHARS: Final = 6_000
"""What is read of a text: some 1,500 tokens. What is too long for a model is cut further."""
LEAST_CHARS: Final = 100
"""A text that is refused and not longer than this has something else about it."""
BROKEN: Final = 500
"""What some servers answer to a text that is too long for them."""
MOST_DIMENSIONS: Final = 8_192
ALIKE: Final = 0.9999
"""The cosine above which two vectors differ by no more than rounding."""
BYTES_PER_NUMBER: Final = 32
ENVELOPE_BYTES: Final = 100_000
"""What an answer may have beside its numbers."""
SAMPLES: Final = (
    "The train to Lisbon leaves at seven.",
    "My knee has hurt since the marathon.",
    "How do I sort a list of objects in Rust?",
    "Grandmother's soup needs more salt.",
    "The invoice is due on the first of the month.",
    "A new telescope found water on a distant planet.",
    "She plays the cello in an orchestra.",
    "Our cat hides whenever it thunders.",
    "The court postponed the hearing.",
    "I prefer tea without sugar.",
    "Deploy the release after the tests have passed.",
    "The roses should be cut back in March.",
    "He scored twice in the second half.",
    "What is the capital of Mongolia?",
    "They painted the kitchen yellow.",
    "Interest rates fell by a quarter of a percent.",
)
"""What a model is asked first: texts that have nothing in common."""


class _Datum(BaseModel):
    embedding: str | list[float]
    """In base64, as asked for, or as plain numbers by a server that does not know that."""
    index: int | None = None


class _Vectors(BaseModel):
    """What we read of an answer; the SDK would take any JSON for one."""

    data: list[_Datum]


@final
class RemoteEmbedder:
    """`Embedder` over the Embeddings API; its dimensions are those of its first answer."""

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        api_key: str | None,
        base_url: str | None = None,
        deadline_s: float = DEADLINE_S,
        pace: Pace = PACE,
    ) -> None:
        self.pace: Final = pace
        self._server: Final = OpenAIServer(
            model, model_variable="ELEPHANTASM_EMBEDDER", api_key=api_key, base_url=base_url
        )
        self._deadline_s: Final = deadline_s
        self._lock: Final = Lock()
        self._shared: Vector | None = None
        """What all texts share, shape (dimensions,); None before the first answer."""

    @property
    def name(self) -> str:
        """Provider, model and, once they are known, dimensions: servers change models in place."""
        name = self._server.name
        return f"{name}@{self.dimensions}" if self.loaded else name

    @property
    def dimensions(self) -> int:
        """Length of each vector; 0 before the first answer."""
        return 0 if self._shared is None else len(self._shared)

    @property
    def loaded(self) -> bool:
        """True once the server has answered."""
        return self._shared is not None

    def load(self) -> None:
        """Ask the server for the vectors of `SAMPLES`.

        Raises:
            ModelError: it gave no answer that can be used.
        """
        self._open()

    def encode(self, texts: Sequence[str]) -> FloatMatrix:
        """One unit vector a text; a blank one has the last axis.

        Raises:
            UnreadableTextsError: the server broke over some of the texts, and takes others.
            ModelError: the server gave no answer that can be used.
        """
        import numpy as np

        shared = self._open()
        vectors = np.zeros((len(texts), len(shared)))
        vectors[:, -1] = 1.0
        sent = {place: cut for place, text in enumerate(texts) if (cut := _sendable(text))}
        if sent:
            found = self._encode(list(sent.values()), shared) - shared
            self._check_read(found, list(sent))
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            turned = lengths[:, 0] > np.finfo(np.float32).eps
            places = np.array(list(sent))[turned]
            vectors[places] = found[turned] / lengths[turned]
        return vectors.astype(np.float32)

    def _check_read(self, found: NDArray[np.float64], places: Sequence[int]) -> None:
        """Let only vectors of all texts pass; `places` are those of the texts.

        Raises:
            UnreadableTextsError: the server broke over some of them.
        """
        import numpy as np

        broken = np.isnan(found[:, 0]).nonzero()[0].tolist()
        if broken:
            raise UnreadableTextsError(
                f"{self._server.name} breaks over {counted(len(broken), 'text')} and takes others.",
                places=[places[one] for one in broken],
            )

    def _open(self) -> Vector:
        with self._lock:
            if self._shared is None:
                self._shared = _shared(self._first_answer())
            return self._shared

    def _first_answer(self) -> NDArray[np.float64]:
        hint = "ELEPHANTASM_EMBEDDER must name an embedding model."
        try:
            found = self._request(SAMPLES, None)
        except ModelError as error:
            if not _is_refused(error):
                raise
            raise ModelError(str(error), permanent=True, hint=hint) from error
        if (found @ found[0] > ALIKE).all():
            raise self._unusable("one vector for texts that have nothing in common", hint=hint)
        return found

    def _encode(self, texts: Sequence[str], shared: Vector) -> NDArray[np.float64]:
        """The vectors of some texts, in several requests if they are long."""
        import numpy as np

        parts = [self._patiently(part, shared) for part in _requests(texts)]
        return np.concatenate(parts)

    def _patiently(self, texts: Sequence[str], shared: Vector) -> NDArray[np.float64]:
        """The vectors of some texts; one that the server does not take is cut until it does.

        How long a text may be is the model's matter, and servers do not say it: some refuse what is
        too long, some break. One that is refused however short it is has the vector of nothing, so
        that it keeps no other from having one; one over which the server breaks has NaN.
        """
        import numpy as np

        try:
            return self._request(texts, len(shared))
        except ModelError as error:
            failure = error
        if not _may_be_theirs(failure) or not self._answers(len(shared)):
            raise failure
        if len(texts) > 1:
            half = len(texts) // 2
            parts = (texts[:half], texts[half:])
            return np.concatenate([self._patiently(part, shared) for part in parts])
        if len(texts[0]) > LEAST_CHARS:
            return self._patiently([texts[0][: len(texts[0]) // 2]], shared)
        return shared[np.newaxis] if _is_refused(failure) else np.full((1, len(shared)), np.nan)

    def _answers(self, dimensions: int) -> bool:
        """Whether the server still takes what it took before."""
        try:
            self._request(SAMPLES, dimensions)
        except ModelError:
            return False
        return True

    def _request(self, texts: Sequence[str], dimensions: int | None) -> NDArray[np.float64]:
        """One request: a unit vector a text, shape (len(texts), dimensions)."""
        self._server.check()
        numbers = len(texts) * (dimensions or MOST_DIMENSIONS)
        client = self._server.connect(
            deadline_s=self._deadline_s,
            most_bytes=ENVELOPE_BYTES + BYTES_PER_NUMBER * numbers,
        )
        body = _run(self._server, client, list(texts), deadline_s=self._deadline_s)
        return self._read(body, len(texts), dimensions)

    def _read(self, body: str, count: int, dimensions: int | None) -> NDArray[np.float64]:
        import numpy as np

        try:
            data = _Vectors.model_validate_json(body).data
            rows = [_numbers(one.embedding) for one in _in_order(data)]
        except (PydanticValidationError, Base64Error, ValueError):
            raise self._server.faults.unreadable(None) from None
        if len(rows) != count:
            raise self._unusable(f"{len(rows)} vectors for {count} texts")
        (first, *others) = {len(row) for row in rows}
        if others or not 0 < first <= MOST_DIMENSIONS or first != (dimensions or first):
            raise self._unusable(
                "vectors of another length than before",
                hint="If its model was changed, start again: all rows are then indexed anew.",
            )
        found = np.stack(rows)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise self._unusable("vectors without a direction")
        return found / lengths

    def _unusable(self, what: str, *, hint: str = "") -> ModelError:
        return ModelError(
            f"{self._server.name} answered with {what}.",
            permanent=False,
            about_prompt=True,
            hint=hint,
        )


def _run(server: OpenAIServer, client: AsyncOpenAI, texts: list[str], *, deadline_s: float) -> str:
    """Send a request from this thread; given up with the task that waits for the thread, if any."""
    ask = partial(
        server.ask,
        client,
        partial(_post, model=server.model, texts=texts),
        deadline_s=deadline_s,
    )
    try:
        anyio.from_thread.check_cancelled()
    except RuntimeError:  # no task waits for this thread, which may be that of an event loop
        with ThreadPoolExecutor(1) as own:
            return own.submit(anyio.run, ask).result()
    return anyio.from_thread.run(ask)


async def _post(client: AsyncOpenAI, *, model: str, texts: list[str]) -> Response:
    raw = await client.embeddings.with_raw_response.create(
        model=model, input=texts, encoding_format="base64"
    )
    return raw.http_response


def _requests(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in parts that one request may have, in their order."""
    first = size = 0
    for place, text in enumerate(texts):
        if place > first and (size + len(text) > REQUEST_CHARS or place - first == PACE.rows):
            yield texts[first:place]
            first, size = place, 0
        size += len(text)
    yield texts[first:]


def _sendable(text: str) -> str:
    """The beginning of a text, as UTF-8 can say it; empty when it is blank."""
    return text[:TEXT_CHARS].encode(errors="replace").decode().strip()


def _shared(vectors: NDArray[np.float64]) -> Vector:
    """What unrelated unit vectors, shape (n, dimensions), share: their mean, less what is chance.

    The mean of n vectors that share nothing still has a length of 1/√n.
    """
    count, mean = len(vectors), vectors.mean(axis=0)
    square = float(mean @ mean)
    cosine = (count * square - 1) / (count - 1)  # of two of them, in the middle
    return mean * (max(cosine, 0.0) / square) if square else mean


def _in_order(data: Sequence[_Datum]) -> list[_Datum]:
    """By index, where there is one.

    Raises:
        ValueError: the indexes are not those of as many texts.
    """
    places = [place if one.index is None else one.index for place, one in enumerate(data)]
    if sorted(places) != list(range(len(data))):
        raise ValueError("the vectors are of other texts")
    return [one for _, one in sorted(zip(places, data, strict=True), key=lambda pair: pair[0])]


def _numbers(embedding: str | list[float]) -> Vector:
    """One vector as it came.

    Raises:
        ValueError: it is none (`binascii.Error` is one).
    """
    from base64 import b64decode

    import numpy as np

    if isinstance(embedding, str):
        return np.frombuffer(b64decode(embedding, validate=True), dtype="<f4").astype(np.float64)
    return np.array(embedding, dtype=np.float64)


def _may_be_theirs(error: ModelError) -> bool:
    """Whether other texts might be taken: it is about these, or the server broke over them."""
    status: object = getattr(error.__cause__, "status_code", None)
    return error.about_prompt or status == BROKEN


def _is_refused(error: ModelError) -> bool:
    """Whether the server said that it does not take these texts, and will not."""
    return error.permanent and error.about_prompt
