"""Synthesizers and a language model for tests: those that follow a script, one that lies.

Owns no synthesis. Invariant: each records what it was given, in order.
"""

from collections.abc import Callable, Iterable
from typing import Final

from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.ports import Answer, ModelT, Prompt, Usage
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
    SynthesisBatch,
)
from elephantasm_mcp.types.records import KnowledgeType

UNKNOWN_EVENT: Final = "e4294967295"
NOT_A_QUOTE: Final = "words that nobody ever said in any event \u2620"


class ScriptedSynthesizer:
    """Gives its answers in order, one per batch; an answer that is an error is raised instead.

    Once the script is at its end each further batch gets no memories.
    """

    def __init__(
        self,
        answers: Iterable[Proposals | Exception] = (),
        *,
        name: str = "scripted-1",
        provisional: bool = False,
    ) -> None:
        self._answers: Final = list(answers)
        self._name: Final = name
        self._provisional: Final = provisional
        self.batches: Final[list[SynthesisBatch]] = []

    @property
    def name(self) -> str:
        """What the rows that it makes are marked with."""
        return self._name

    @property
    def provisional(self) -> bool:
        """Whether a better synthesizer may redo its rows."""
        return self._provisional

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """The next answer of the script.

        Raises:
            Exception: whatever the script says, a `ServerError` as a rule.
        """
        self.batches.append(batch)
        answer = self._answers.pop(0) if self._answers else Proposals()
        if isinstance(answer, Exception):
            raise answer
        return answer


class MaliciousSynthesizer:
    """Proposes what a validator must refuse, and one memory per batch that is sound.

    In this order: a memory of an unknown event; one with an empty quote; one with a quote that is
    not in its event; a sound one, among whose knowledge one item cites an unknown event; the sound
    one again.
    """

    def __init__(self) -> None:
        self.batches: Final[list[SynthesisBatch]] = []

    @property
    def name(self) -> str:
        """What the rows that it makes are marked with."""
        return "malicious-1"

    @property
    def provisional(self) -> bool:
        """Whether a better synthesizer may redo its rows."""
        return False

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """The five proposals.

        Raises:
            ServerError: the batch has no events to lie about.
        """
        self.batches.append(batch)
        if not batch.events:
            raise ServerError("There are no events to make memories of.")
        event = batch.events[0]
        true = SourceQuote(event=event.handle, quote=event.text)
        sound = _memory("A sound memory.", true, knowledge=[_fact(_unknown()), _fact(true)])
        return Proposals(
            memories=[
                _memory("Cites an event that was not shown.", _unknown()),
                _memory("Quotes nothing.", SourceQuote(event=event.handle, quote="")),
                _memory("Quotes falsely.", SourceQuote(event=event.handle, quote=NOT_A_QUOTE)),
                sound,
                sound,
            ]
        )


class AnsweringModel:
    """`LanguageModel` that answers by a function of what it was shown; an error is raised."""

    def __init__(self, answer: Callable[[str], object], *, tokens: int = 100) -> None:
        self._answer: Final = answer
        self._tokens: Final = tokens
        self.name: Final = "scripted:model"
        self.prompts: Final[list[Prompt]] = []

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """What the script makes of the data.

        Raises:
            Exception: whatever the script says, a `ModelError` as a rule.
        """
        self.prompts.append(prompt)
        said = self._answer(prompt.data)
        if isinstance(said, Exception):
            raise said
        usage = Usage(self.name, self._tokens, 0, 0.0, None)
        return Answer(shape.model_validate(said), usage)


def _unknown() -> SourceQuote:
    return SourceQuote(event=UNKNOWN_EVENT)


def _fact(source: SourceQuote) -> KnowledgeProposal:
    return KnowledgeProposal(
        type=KnowledgeType.FACT, content="Water is wet.", confidence=1.0, sources=[source]
    )


def _memory(
    text: str, source: SourceQuote, *, knowledge: list[KnowledgeProposal] | None = None
) -> MemoryProposal:
    return MemoryProposal(
        summary=text,
        content=text,
        importance=1.0,
        confidence=1.0,
        sources=[source],
        knowledge=knowledge or [],
    )


class ScriptedModel:
    """`LanguageModel` that gives its answers in order, one a call; one that is an error is raised.

    Once the script is at its end each further call gets the last answer, or no memories.
    """

    def __init__(
        self, answers: Iterable[object] = (), *, name: str = "scripted:model-1", tokens: int = 10
    ) -> None:
        """An answer is an error, proposals, or what the shape of the answer is validated from."""
        self._answers: Final = list(answers)
        self._name: Final = name
        self._tokens: Final = tokens
        self._last: object = Proposals()
        self.prompts: Final[list[Prompt]] = []

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return self._name

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """The next answer of the script.

        Raises:
            Exception: whatever the script says, a `ModelError` as a rule.
        """
        self.prompts.append(prompt)
        if self._answers:
            self._last = self._answers.pop(0)
        if isinstance(self._last, Exception):
            raise self._last
        usage = Usage(
            model=self._name,
            tokens_in=self._tokens,
            tokens_out=self._tokens,
            duration_s=0.5,
            cost_usd=0.001,
        )
        said = self._last.model_dump() if isinstance(self._last, Proposals) else self._last
        return Answer(value=shape.model_validate(said), usage=usage)
