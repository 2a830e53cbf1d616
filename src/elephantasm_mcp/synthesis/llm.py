"""Synthesis by a language model: a batch of events becomes a prompt, its answer proposals.

Owns how events are shown to a model. Does not check what it answers (`memory/grounding.py` does).
Invariant: remembered text reaches the model only as JSON strings between tags whose key nobody who
writes events can know.
"""

import json
from typing import Final, final

from elephantasm_mcp.ports import LanguageModel, Prompt
from elephantasm_mcp.prompts import read_prompt
from elephantasm_mcp.pure.fences import fence_key
from elephantasm_mcp.types.proposals import Proposals, SourceEvent, SynthesisBatch, with_wishes
from elephantasm_mcp.types.screening import SoundProposals

ANSWER_TOKENS: Final = 8_000
"""As long as the longest batch: an answer says less than what it was made of."""
FENCE: Final = '<events key="{key}">\n{lines}\n</events key="{key}">'


@final
class LlmSynthesizer:
    """`Synthesizer` on any language model."""

    def __init__(self, model: LanguageModel, *, secret: bytes) -> None:
        """`secret` signs the fence: it must not be known to whoever writes events."""
        self._model: Final = model
        self._secret: Final = secret

    @property
    def name(self) -> str:
        """See `Synthesizer.name`."""
        return self._model.name

    @property
    def provisional(self) -> bool:
        """See `Synthesizer.provisional`."""
        return False

    async def synthesize(self, batch: SynthesisBatch) -> Proposals:
        """See `Synthesizer.synthesize`.

        Raises:
            ModelError: the model gave no usable answer.
            BudgetError: the day's tokens are spent.
        """
        lines = "\n".join(_line(event) for event in batch.events)
        prompt = Prompt(
            instructions=with_wishes(read_prompt("synthesis"), batch.instructions),
            data=self._fence(lines),
            max_tokens=ANSWER_TOKENS,
        )
        answer = await self._model.answer(prompt, SoundProposals)
        return Proposals(memories=answer.value.memories)

    def _fence(self, lines: str) -> str:
        key = fence_key(lines, secret=self._secret)
        return FENCE.format(key=key, lines=lines)


def _line(event: SourceEvent) -> str:
    """An event as one line of JSON: no text can end it, or begin another."""
    shown = {
        "event": event.handle,
        "type": event.event_type,
        "author": event.author,
        "when": event.occurred_at.isoformat(timespec="minutes"),
        "text": event.text,
    }
    return json.dumps(shown, ensure_ascii=False)
