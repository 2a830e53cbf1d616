"""Small invented conversations for the tests of the synthesizers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from elephantasm_mcp.types.proposals import SourceEvent, SynthesisBatch

MONDAY = datetime(2023, 5, 8, 14, 0, tzinfo=UTC)
KINDS = {"assistant": "message.out", "tool": "tool.result"}


@pytest.fixture
def batch() -> Callable[..., SynthesisBatch]:
    """Make a batch of "Author: text" lines, a minute apart, from Monday 8 May 2023, 14:00."""

    def make(*lines: str, start: datetime = MONDAY) -> SynthesisBatch:
        events = []
        for no, line in enumerate(lines):
            author, _, text = line.partition(": ")
            events.append(
                SourceEvent(
                    handle=f"e{no + 1}",
                    event_type=KINDS.get(author, "message.in"),
                    role=author if author in {"assistant", "tool"} else "user",
                    author=author,
                    text=text,
                    occurred_at=start + timedelta(minutes=no),
                    session_id="s",
                )
            )
        return SynthesisBatch(anima="default", events=tuple(events))

    return make
