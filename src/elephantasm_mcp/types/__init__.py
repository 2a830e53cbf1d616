"""Public types. Everything that users import from here is listed in `__all__`.

A name is fetched when it is first used, so that who needs one module of types pays for that alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elephantasm_mcp.types.grants import Grant, GrantRequest, Origin
    from elephantasm_mcp.types.proposals import (
        KnowledgeProposal,
        MemoryProposal,
        Proposals,
        SourceQuote,
    )
    from elephantasm_mcp.types.reading import (
        AnimaRef,
        IdentityContext,
        MemoryPack,
        PackChanges,
        PackContent,
        PackLine,
        PackQuery,
        Reason,
        ScoredKnowledge,
        ScoredMemory,
        SearchHit,
        SearchHits,
        SearchQuery,
        TemporalContext,
    )
    from elephantasm_mcp.types.records import (
        Anima,
        AnimaCreate,
        AnimaOverview,
        AnimaSettings,
        Event,
        EventCreate,
        EventState,
        EventType,
        Knowledge,
        KnowledgeType,
        Layer,
        Memory,
        MemoryState,
        Record,
        Request,
        Score,
        Trust,
        UtcDatetime,
    )
    from elephantasm_mcp.types.views import (
        Accepted,
        Accumulation,
        CurateAction,
        CurateReport,
        Curation,
        DreamAction,
        DreamReport,
        ForgetReport,
        ForgetRequest,
        OrderedEvent,
        Phase,
        Plan,
        PlanStep,
        Recorded,
        RecordedEvent,
        RedactReport,
        Rejected,
        RowUse,
        Standing,
        Trace,
        TraceAction,
        TraceDerived,
        TraceSource,
        UndoReport,
        Usefulness,
        WorkOrder,
    )

__all__ = [
    "Accepted",
    "Accumulation",
    "Anima",
    "AnimaCreate",
    "AnimaOverview",
    "AnimaRef",
    "AnimaSettings",
    "CurateAction",
    "CurateReport",
    "Curation",
    "DreamAction",
    "DreamReport",
    "Event",
    "EventCreate",
    "EventState",
    "EventType",
    "ForgetReport",
    "ForgetRequest",
    "Grant",
    "GrantRequest",
    "IdentityContext",
    "Knowledge",
    "KnowledgeProposal",
    "KnowledgeType",
    "Layer",
    "Memory",
    "MemoryPack",
    "MemoryProposal",
    "MemoryState",
    "OrderedEvent",
    "Origin",
    "PackChanges",
    "PackContent",
    "PackLine",
    "PackQuery",
    "Phase",
    "Plan",
    "PlanStep",
    "Proposals",
    "Reason",
    "Record",
    "Recorded",
    "RecordedEvent",
    "RedactReport",
    "Rejected",
    "Request",
    "RowUse",
    "Score",
    "ScoredKnowledge",
    "ScoredMemory",
    "SearchHit",
    "SearchHits",
    "SearchQuery",
    "SourceQuote",
    "Standing",
    "TemporalContext",
    "Trace",
    "TraceAction",
    "TraceDerived",
    "TraceSource",
    "Trust",
    "UndoReport",
    "Usefulness",
    "UtcDatetime",
    "WorkOrder",
]

_HOMES = ("records", "reading", "views", "grants", "proposals")


def __getattr__(name: str) -> object:
    """Fetch a public type from where it lives (PEP 562)."""
    for home in _HOMES if name in __all__ else ():
        value = getattr(import_module(f"{__name__}.{home}"), name, None)
        if value is not None:
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
