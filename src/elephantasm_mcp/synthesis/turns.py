"""One event as read: whose voice it is, which sentences it has, which words it is about.

Owns the reading of a single event. Knows nothing of its neighbours. Invariant: reading is linear
in the event's length and never fails, whatever the text.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date
from enum import StrEnum
from typing import Final

from elephantasm_mcp.synthesis.quotes import one_line
from elephantasm_mcp.synthesis.sentences import Sentence, assertions, sentences
from elephantasm_mcp.synthesis.words import content_stem, is_english, plain, spelled, word_set
from elephantasm_mcp.types.proposals import SourceEvent
from elephantasm_mcp.types.records import EventType, Trust

_ASSISTANT_NAMES: Final = word_set(
    "assistant ai agent bot model chatbot claude chatgpt gpt gemini copilot llm"
)
_GENERIC_NAMES: Final = _ASSISTANT_NAMES | {"user", "human", "tool", "system", ""}
MAX_SENTENCES: Final = 120
"""How many sentences of an event are read: its beginning and its end."""
MAX_CHARS: Final = 240_000
"""How much of an event is looked at: two thirds from its beginning, one from its end."""
_MAX_NAME_CHARS: Final = 60
_WORDS_PER_WEIGHT: Final = 60
_BAG_WORDS: Final = 600
"""How many words of a long event count in its bag: enough for its topic."""


class Voice(StrEnum):
    """Who speaks in an event, as far as believing and quoting goes."""

    PERSON = "person"
    ASSISTANT = "assistant"
    TOOL = "tool"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Turn:
    """An event with what was read in it.

    `asserted` holds what each of the sentences asserts, `weight` its length in chat turns.
    """

    event: SourceEvent
    voice: Voice
    english: bool
    sentences: tuple[Sentence, ...]
    asserted: tuple[tuple[Sentence, ...], ...]
    bag: Counter[str]
    weight: float

    @property
    def said_on(self) -> date:
        """The day of the event, in UTC."""
        return self.event.occurred_at.astimezone(UTC).date()

    @property
    def asks(self) -> bool:
        """Whether it ends with a question, so that the next turn may be its answer."""
        last = self.sentences[-1].text if self.sentences else ""
        return last.endswith(("?", "？"))

    @property
    def author_key(self) -> str:
        """The author, for comparison."""
        return self.event.author.strip().lower()

    @property
    def speaker(self) -> str:
        """The author's name as shown before a quote."""
        name = one_line(self.event.author)[:_MAX_NAME_CHARS].strip()
        return name.capitalize() if name.islower() and name in _GENERIC_NAMES else name or "Unknown"

    @property
    def named(self) -> bool:
        """Whether the author has a name of their own."""
        return self.author_key not in _GENERIC_NAMES

    @property
    def believed(self) -> bool:
        """Whether a statement in it may become knowledge."""
        return self.voice is Voice.PERSON and self.event.trust is Trust.TOLD


def read(event: SourceEvent) -> Turn:
    """Read one event. Tool output keeps its text only: it has lines, not sentences."""
    voice = _voice(event)
    found = _sentences(event.text) if voice in {Voice.PERSON, Voice.ASSISTANT} else ()
    prose = " ".join(sentence.text for sentence in found)
    words = [plain(word) for word in spelled(prose)]
    return Turn(
        event=event,
        voice=voice,
        english=is_english(prose),
        sentences=found,
        asserted=tuple(map(assertions, found)) if voice is Voice.PERSON else (),
        bag=Counter(found for word in words[:_BAG_WORDS] if (found := content_stem(word))),
        weight=1 + len(words) / _WORDS_PER_WEIGHT,
    )


def _sentences(text: str) -> tuple[Sentence, ...]:
    """The first and the last sentences of a text, as many as are read."""
    if len(text) <= MAX_CHARS:
        found = sentences(text)
    else:
        rest = len(text) - MAX_CHARS // 3
        tail = (replace(one, start=rest + one.start) for one in sentences(text[rest:]))
        found = (*sentences(text[: MAX_CHARS * 2 // 3]), *tail)
    if len(found) <= MAX_SENTENCES:
        return found
    return found[: MAX_SENTENCES * 2 // 3] + found[-MAX_SENTENCES // 3 :]


def names_of(turns: Iterable[Turn]) -> frozenset[str]:
    """The lower-case words of the speakers' own names."""
    return frozenset(
        plain(word) for turn in turns if turn.named for word in spelled(turn.event.author)
    )


def _voice(event: SourceEvent) -> Voice:
    match event.event_type:
        case EventType.TOOL_RESULT:
            return Voice.TOOL
        case EventType.MESSAGE_IN:
            return Voice.PERSON
        case EventType.MESSAGE_OUT:
            generic = event.author.strip().lower() in _ASSISTANT_NAMES | {""}
            return Voice.ASSISTANT if generic else Voice.PERSON
        case _:
            return Voice.NONE
