"""Presets: which sections a pack has, in which order, and what counts as the current session.

Owns nothing else of a pack. Invariant: a preset is data; no language model takes part in any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from elephantasm_mcp.types.records import PresetName

SESSION, KNOWLEDGE, LONG_TERM = (
    "## Current Session",
    "## Relevant Knowledge",
    "## Relevant Memories",
)
SHARES: Final = {SESSION: 0.25, KNOWLEDGE: 0.35, LONG_TERM: 0.40}
"""Of the budget, where sections compete (contract §2)."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One way to compile a pack."""

    sections: tuple[str, ...]
    """In the order in which they are filled and read."""
    session_window: timedelta
    """A session that ended longer ago than this is no current one."""


PRESETS: Final[Mapping[PresetName, Preset]] = {
    "conversational": Preset((SESSION, KNOWLEDGE, LONG_TERM), timedelta(hours=4)),
    "self_determined": Preset((LONG_TERM, KNOWLEDGE, SESSION), timedelta(hours=24)),
}
