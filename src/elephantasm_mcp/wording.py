"""Wording: what tools, resources and the command line say alike.

Owns sentences and texts that several need; what only one of them says stays there. Invariant: the
same state reads the same, however one asks.
"""

from typing import Final

from elephantasm_mcp.types.views import DreamAction

NOTHING_YET: Final = (
    "Nothing is remembered here yet: what extract_event records will appear in this pack."
)

DONE: Final = {"create": "made", "update": "changed", "delete": "removed", "consume": "used"}
"""What a dream did to a row, by the kind of its action."""


def action_text(action: DreamAction) -> str:
    """What the changed row says, or said before it was removed."""
    row = action.after or action.before or {}
    return str(row.get("summary") or row.get("content") or "")
