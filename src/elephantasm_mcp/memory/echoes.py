"""Echoes: what an agent repeats out of its memory, and is then recorded as if it were news.

Owns which events may be echoes of what. They stay events, and are consumed like others, but a
synthesizer does not see what they repeat: so no memory grows out of itself. Invariant: a person's
own words are never taken for an echo, but for a pack that was copied into them.
"""

from collections.abc import Sequence
from datetime import datetime

from elephantasm_mcp.memory import granted
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.echoes import Known, without_packs
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import StoredEvent
from elephantasm_mcp.types.records import EventType, RowId


def news_of(tx: Tx, anima: StoredAnima, batch: Sequence[StoredEvent]) -> dict[RowId, str]:
    """What each event says that its anima did not know; "" when that is nothing.

    An agent's words are compared with what was known when they were recorded, and with what
    people said before in the same batch: a pack shows raw events too.
    """
    known = Known()
    if any(_is_agents(event) for event in batch):
        for text, since in memories.wordings(tx, anima, until=_latest(batch)):
            known.add(text, since=since)
        for source in granted.sources(tx, anima):  # the agent reads these in its packs, too
            among = source.among(("memory", "knowledge"))
            for text, since in memories.wordings(
                tx, source.anima, until=_latest(batch), layers=among
            ):
                known.add(text, since=since)
    news: dict[RowId, str] = {}
    for event in batch:
        content, at = event.event.content, event.event.created_at
        if _is_agents(event):
            left, echoes = known.without_echoes(content, at=at)
        else:
            left, echoes = without_packs(content)
            known.add(content, since=at)
        news[event.id] = left.strip() if echoes else content
    return news


def _is_agents(event: StoredEvent) -> bool:
    """Whether the agent, or a tool that it used, speaks."""
    return event.event.event_type != EventType.MESSAGE_IN or event.event.role == "assistant"


def _latest(batch: Sequence[StoredEvent]) -> datetime:
    return max(event.event.created_at for event in batch)
