"""Long-term memory for AI agents: a Python client here, the same over MCP by `elephantasm-mcp`.

Owns the public names. Invariant: importing the package imports nothing else of it; a name is
fetched when it is first used, so that a light command does not pay for the database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elephantasm_mcp.errors import (
        AuthenticationError,
        ConflictError,
        ElephantasmError,
        NotBuiltError,
        NotFoundError,
        RateLimitError,
        ServerError,
        StorageError,
        ValidationError,
    )
    from elephantasm_mcp.sdk import AsyncElephantasm, Elephantasm, create_anima, extract, inject
    from elephantasm_mcp.types import (
        Anima,
        AnimaCreate,
        AnimaOverview,
        DreamReport,
        Event,
        EventCreate,
        EventType,
        IdentityContext,
        Knowledge,
        KnowledgeType,
        Memory,
        MemoryPack,
        MemoryState,
        ScoredKnowledge,
        ScoredMemory,
        SearchHit,
        SearchHits,
        TemporalContext,
        Trace,
        UndoReport,
    )

__all__ = [
    "Anima",
    "AnimaCreate",
    "AnimaOverview",
    "AsyncElephantasm",
    "AuthenticationError",
    "ConflictError",
    "DreamReport",
    "Elephantasm",
    "ElephantasmError",
    "Event",
    "EventCreate",
    "EventType",
    "IdentityContext",
    "Knowledge",
    "KnowledgeType",
    "Memory",
    "MemoryPack",
    "MemoryState",
    "NotBuiltError",
    "NotFoundError",
    "RateLimitError",
    "ScoredKnowledge",
    "ScoredMemory",
    "SearchHit",
    "SearchHits",
    "ServerError",
    "StorageError",
    "TemporalContext",
    "Trace",
    "UndoReport",
    "ValidationError",
    "create_anima",
    "extract",
    "inject",
]

_CLIENTS = ("AsyncElephantasm", "Elephantasm", "create_anima", "extract", "inject")


def __getattr__(name: str) -> object:
    """Fetch a public name from where it lives (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "sdk" if name in _CLIENTS else "errors" if name.endswith("Error") else "types"
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
