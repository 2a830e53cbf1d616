"""Calls: the one way in which services ask a language model.

Owns the day's budget, the record of every call, and when none is made. Knows no provider and no
prompt. Invariant: no call is made that is not on record, and none for which the day's budget has no
room.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, final

import anyio

from elephantasm_mcp.errors import BudgetError, ModelError
from elephantasm_mcp.memory.breaker import Task
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Answer, LanguageModel, ModelT, Prompt
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import calls as store
from elephantasm_mcp.store.calls import CallEnd, NewCall
from elephantasm_mcp.types.records import AnimaNo, RowId

SYNTHESIS: Final = "synthesis"
"""The purpose of a call that makes memories of events."""
OVERHEAD_TOKENS: Final = 1_000
"""What a provider adds to a prompt: the schema of the answer, and its own words around it."""
FAREWELL_S: Final = 0.5
"""How long a call that is given up may take to say so."""


async def ask(
    core: Core,
    anima_no: AnimaNo,
    prompt: Prompt,
    shape: type[ModelT],
    *,
    purpose: str,
    dream: RowId | None = None,
) -> Answer[ModelT]:
    """Ask the model once, on record and within the day's budget.

    Raises:
        ModelError: there is no model, it failed, or it failed too often to be asked now.
        BudgetError: the day's tokens do not suffice; nothing was asked.
    """
    return await Metered(core, anima_no, purpose=purpose, dream=dream).answer(prompt, shape)


def may_ask(core: Core, anima_no: AnimaNo, *, purpose: str) -> bool:
    """Whether asking has any prospect now: a model that answers, and tokens."""
    if core.model is None:
        return False
    task = Task(anima_no, purpose)
    return core.breaker.may_ask(core.model.name, task, now=core.clock.now())


@final
class Metered:
    """`LanguageModel` that asks the core's model, on record and within the day's budget."""

    def __init__(
        self, core: Core, anima_no: AnimaNo, *, purpose: str, dream: RowId | None = None
    ) -> None:
        self._core: Final = core
        self._task: Final = Task(anima_no, purpose)
        self._dream: Final = dream
        self.call_nos: Final[list[int]] = []
        """The calls that were made, by number."""
        self.tokens = 0
        """What they took together."""

    @property
    def name(self) -> str:
        """See `LanguageModel.name`."""
        return self._model.name

    @property
    def _model(self) -> LanguageModel:
        if self._core.model is None:
            raise ModelError("No language model is set up.", permanent=True)
        return self._core.model

    async def answer(self, prompt: Prompt, shape: type[ModelT]) -> Answer[ModelT]:
        """See `ask`."""
        model, breaker = self._model, self._core.breaker
        breaker.enter(model.name, self._task, now=self._core.clock.now())
        ended = False
        try:
            call_no = await self._reserve(model, prompt)
            try:
                answer = await model.answer(prompt, shape)
            except ModelError as error:
                ended = True
                breaker.failed(model.name, self._task, error, now=self._core.clock.now())
                await self._end(call_no, _failure(error))
                raise
            except BaseException:
                await self._give_up(call_no)
                raise
            ended = True
            breaker.passed(model.name, self._task)
            await self._end(call_no, _success(answer))
        finally:
            if not ended:
                breaker.left(model.name)
        return answer

    async def _reserve(self, model: LanguageModel, prompt: Prompt) -> int:
        core, now = self._core, self._core.clock.now()
        call = NewCall(
            anima_no=self._task.anima_no,
            dream=self._dream,
            purpose=self._task.purpose,
            model=model.name,
            tokens=estimate(prompt),
        )
        call_no = await core.database.write(
            store.reserve, call, budget_tokens=core.daily_tokens, since=day_of(now), now=now
        )
        if call_no is None:
            core.breaker.spent(model.name, until=day_of(now) + timedelta(days=1))
            raise BudgetError(
                f"The day's {core.daily_tokens:,} tokens for language models do not suffice for"
                " another call.",
                hint="ELEPHANTASM_DAILY_TOKENS sets how many there are; the day ends at 00:00 UTC.",
            )
        self.call_nos.append(call_no)
        return call_no

    async def _end(self, call_no: int, ended: CallEnd) -> None:
        self.tokens += ended.tokens_in + ended.tokens_out
        await self._core.database.write(store.end, call_no, ended)

    async def _give_up(self, call_no: int) -> None:
        """Note that a call was cancelled, even now that this task is."""
        with anyio.move_on_after(FAREWELL_S, shield=True):
            await self._core.database.write(store.cancel, call_no)


def estimate(prompt: Prompt) -> int:
    """The most tokens that asking may take."""
    said = estimate_tokens(prompt.instructions) + estimate_tokens(prompt.data)
    return said + OVERHEAD_TOKENS + prompt.max_tokens


def day_of(now: datetime) -> datetime:
    """When the day of the budget began."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _success(answer: Answer[ModelT]) -> CallEnd:
    usage = answer.usage
    return CallEnd(
        outcome="ok",
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cost_usd=usage.cost_usd,
        duration_s=usage.duration_s,
    )


def _failure(error: ModelError) -> CallEnd:
    usage = error.usage
    return CallEnd(
        outcome="failed",
        tokens_in=usage.tokens_in if usage else 0,
        tokens_out=usage.tokens_out if usage else 0,
        cost_usd=usage.cost_usd if usage else None,
        duration_s=usage.duration_s if usage else 0.0,
        error=error.explain(),
    )
