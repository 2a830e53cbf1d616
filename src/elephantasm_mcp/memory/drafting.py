"""Drafting: what a batch of events becomes, by a language model or, failing it, extractively.

Owns who writes a batch, and what is done when the model does not answer. Writes nothing to the
store. Invariant: a batch always becomes a draft, or is left as it is to be tried again; a model's
failure never loses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, final

from elephantasm_mcp.errors import BudgetError, ModelError
from elephantasm_mcp.memory import calls, echoes, grounding
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.grounding import Shown
from elephantasm_mcp.memory.masking import mask_for
from elephantasm_mcp.ports import Synthesizer
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.store.jobs import MAX_UNCLEAN_DEATHS, Job
from elephantasm_mcp.types import screening
from elephantasm_mcp.types.proposals import Proposals, SourceEvent, SynthesisBatch
from elephantasm_mcp.types.records import RowId


@dataclass(frozen=True, slots=True)
class Draft:
    """What shall be stored of a batch."""

    proposals: Proposals
    synthesizer: str
    provisional: bool
    calls: tuple[int, ...] = ()
    """The calls that were made for it, by number."""
    tokens: int = 0
    """What they took."""
    repeating: int = 0
    """How many events repeat what was known."""


@final
class Writer:
    """Writes the batches of one run, with the model as long as it answers."""

    def __init__(self, core: Core, anima: StoredAnima, *, job: Job | None) -> None:
        self._core: Final = core
        self._anima: Final = anima
        self._may_wait: Final = job is not None and job.attempts < MAX_UNCLEAN_DEATHS
        self._asks = core.model is not None and core.by_model is not None
        self.notes: Final[dict[str, None]] = {}
        """What a person should know of how it went, each sentence once."""
        self.unmade: Final[list[StoredEvent]] = []
        """Events that the model makes nothing of."""

    @property
    def asks(self) -> bool:
        """Whether a language model is still asked in this run."""
        return self._asks

    async def draft(self, batch: Sequence[StoredEvent]) -> Draft:
        """What shall be stored of a batch, by the model or extractively.

        Raises:
            ModelError: the model did not answer, and the job may be tried again later.
            ServerError: the synthesizer of our own failed.
        """
        failed = calls.Metered(self._core, self._anima.anima_no, purpose=calls.SYNTHESIS)
        if self._asks:
            draft, failed = await self._ask(batch)
            if draft is not None:
                return draft
        written, repeating = await self._write(self._core.synthesizer, batch)
        return Draft(
            proposals=written,
            repeating=repeating,
            synthesizer=self._core.synthesizer.name,
            provisional=self._core.synthesizer.provisional,
            calls=tuple(failed.call_nos),
            tokens=failed.tokens,
        )

    async def rework(self, batch: Sequence[StoredEvent]) -> Draft | None:
        """What the model makes of events that were made into memories without it; None: nothing.

        Raises:
            ModelError: the model did not answer, and the job may be tried again later.
        """
        draft, _ = await self._ask(batch)
        return draft

    async def _ask(self, batch: Sequence[StoredEvent]) -> tuple[Draft | None, calls.Metered]:
        """The model's draft, None when it fails for now or for good; and what that took."""
        meter = calls.Metered(self._core, self._anima.anima_no, purpose=calls.SYNTHESIS)
        if self._core.by_model is None:
            return None, meter
        synthesizer = self._core.by_model(meter)
        try:
            written, repeating = await self._write(synthesizer, batch, must_quote=True)
        except (ModelError, BudgetError) as error:
            self._note(error, batch)
            return None, meter
        draft = Draft(
            proposals=written,
            repeating=repeating,
            synthesizer=synthesizer.name,
            provisional=False,
            calls=tuple(meter.call_nos),
            tokens=meter.tokens,
        )
        return draft, meter

    def _note(self, error: ModelError | BudgetError, batch: Sequence[StoredEvent]) -> None:
        """Go on without the model for this batch, or for the rest of the run.

        Raises:
            ModelError: it is better to wait.
        """
        if isinstance(error, ModelError) and not error.permanent and self._may_wait:
            raise error
        self.notes[error.explain()] = None
        if isinstance(error, ModelError) and error.about_prompt:
            self.unmade.extend(batch)
        else:
            self._asks = False

    async def _write(
        self, synthesizer: Synthesizer, batch: Sequence[StoredEvent], *, must_quote: bool = False
    ) -> tuple[Proposals, int]:
        """What a synthesizer proposes of what is new, as far as the events bear it.

        And how many of them repeat what was known: they are consumed, but nothing grows of that.
        """
        news = await self._core.database.read(echoes.news_of, self._anima, batch)
        telling = [event for event in batch if news[event.id]]
        repeating = sum(news[event.id] != event.event.content for event in batch)
        if not telling:
            return Proposals(), repeating
        proposals = await synthesizer.synthesize(as_batch(self._anima, telling, news))
        grounded = grounding.ground(
            screening.take(proposals),
            shown(telling),
            must_quote=must_quote,
            mask=mask_for(self._anima.settings, secrets=self._core.redact),
        )
        return grounded.proposals, repeating


def shown(batch: Sequence[StoredEvent]) -> Mapping[str, Shown]:
    """The events of a batch by their handles, as quotes are looked up in them."""
    return {one.event.handle: Shown(one.event.content, said_on=_day(one)) for one in batch}


def as_batch(
    anima: StoredAnima, batch: Sequence[StoredEvent], news: Mapping[RowId, str]
) -> SynthesisBatch:
    """Events as synthesizers see them: by what they say anew."""
    return SynthesisBatch(
        anima=anima.anima.name,
        instructions=anima.settings.instructions,
        events=tuple(
            SourceEvent(
                handle=one.event.handle,
                event_type=one.event.event_type,
                role=one.event.role or "user",
                author=one.event.author or one.event.role or "user",
                text=news[one.id],
                occurred_at=one.time,
                session_id=one.event.session_id,
                importance=one.event.importance_score,
                trust=one.event.trust,
            )
            for one in batch
        ),
    )


def _day(event: StoredEvent) -> date:
    return event.time.date()
