"""What is asked and answered beside reading: recordings, dreams, a person's hand, traces.

Owns the public request and answer models that are not rows. Invariant: a view names rows by
handle and UUID together, so that it reads well and still means one row in any database.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from elephantasm_mcp.types.grants import Origin
from elephantasm_mcp.types.reading import (
    DEFAULT_MAX_TOKENS,
    AnimaRef,
    PackLine,
    Reason,
)
from elephantasm_mcp.types.records import (
    Event,
    JournalLayer,
    KnowledgeType,
    Layer,
    MemoryState,
    Record,
    Request,
    UtcDatetime,
)

Phase = Literal["auto", "synthesis", "light", "deep"]


# Recording


class RecordedEvent(Record):
    """What became of one event that was handed in."""

    event: Event
    duplicate: bool
    """True when an earlier row already holds it; `event` is then that row."""
    redactions: int
    repaired: bool
    """True when broken Unicode was mended before storing."""
    stored: bool = True
    """False when the anima keeps no events of this type; `event` has no handle then."""


class Accumulation(Record):
    """How near an anima is to its next synthesis."""

    score: float
    threshold: float
    pending_events: int


class Recorded(Record):
    """The answer to a recording: in input order."""

    events: list[RecordedEvent]
    accumulation: Accumulation


# Dreams


class DreamAction(Record):
    """One change that a dream made, with what stood there before and after."""

    kind: str
    """`create`, `update` or `delete`."""
    operation: str
    """What was done, as a verb: `synthesize`, `fade`, `merge`, `supersede`, `undo`, …."""
    layer: JournalLayer
    handle: str
    row: UUID | None
    """None when the row was forgotten: then nothing but this is left of the change."""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    sources: list[str] = Field(default_factory=list)
    reasoning: str = ""
    model: str = ""
    """The language model that proposed it; empty when rules or a person did."""
    tokens: int = 0
    """Its share of what that took."""


class PlanStep(Record):
    """One operation of a plan, as a diff of lines."""

    number: int
    operation: str
    reasoning: str
    removed: list[PackLine]
    added: list[PackLine]
    """A row that there is not yet has the handle `new`."""
    model: str = ""
    """The language model that proposed it; empty when rules did."""


class Plan(Record):
    """What a dry run would do; to be completed by the numbers of its steps."""

    id: UUID
    expires_at: UtcDatetime
    steps: list[PlanStep]


class OrderedEvent(Record):
    """One event of a work order."""

    handle: str
    type: str
    author: str
    when: UtcDatetime
    text: str


class WorkOrder(Record):
    """Events that the connected agent is asked to make memories of."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    id: UUID
    anima: str
    events: list[OrderedEvent]
    remaining: int
    """How many events wait for the next one."""
    instructions: str
    schema_: dict[str, Any] = Field(alias="schema")
    """The JSON schema of `proposals`."""
    expires_at: UtcDatetime


class Rejected(Record):
    """What was not done, by its place in what was handed in, and why."""

    index: int
    reason: str


class Accepted(Record):
    """What was done, by its place in what was handed in."""

    index: int
    handle: str = ""
    """The row that it became."""
    dropped: list[Rejected] = Field(default_factory=list)
    """Its knowledge that was not kept."""


class DreamReport(Record):
    """One run of synthesis or of the Dreamer."""

    id: UUID
    handle: str
    """Its handle in the journal; empty for what does not stand there: a plan, or what was refused
    whole."""
    anima_id: UUID
    phase: str
    state: Literal["done", "undone", "planned", "refused"]
    actor: str
    """Who asked for it: `worker`, `user`, …."""
    synthesizer: str = ""
    started_at: UtcDatetime
    finished_at: UtcDatetime
    counts: dict[str, int]
    tokens: int = 0
    note: str = ""
    """What it has to say of itself: that it was rolled back, that a model failed."""
    actions: list[DreamAction] = Field(default_factory=list)
    undoes: str | None = None
    """The handle of the dream that this one took back."""
    plan: Plan | None = None
    """What a dry run would do."""
    calls: int = 0
    """How often a language model was asked for it."""
    cost_usd: float | None = None
    """What those calls cost, as far as their prices are known."""
    notes: list[str] = Field(default_factory=list)
    """What went otherwise than asked; empty in the journal."""
    work_order: WorkOrder | None = None
    """What the connected agent may do better; None in the journal."""
    accepted: list[Accepted] = Field(default_factory=list)
    rejected: list[Rejected] = Field(default_factory=list)
    """What became of each proposal or operation that was handed in; empty in the journal."""


class UndoReport(Record):
    """What an undo put back."""

    dream: str
    """The handle of the dream that was undone."""
    undone_by: str
    """The handle of the undo in the journal."""
    removed: list[str]
    restored: list[str]
    events_held: list[str]
    forgotten: list[str] = Field(default_factory=list)
    """What stays gone: it was erased after the dream."""
    message: str


# People's hand


CurateAction = Literal["correct", "pin", "unpin", "archive", "restore", "reclassify", "settle"]


class Curation(Request):
    """What is asked of `curate_memory`."""

    handle: str = Field(min_length=1, max_length=64, examples=["m12"])
    action: CurateAction
    anima: AnimaRef = None
    content: str | None = Field(None, max_length=10_000)
    knowledge_type: KnowledgeType | None = None
    reason: str | None = Field(None, max_length=2_000)


class CurateReport(DreamReport):
    """A person's dream of one action."""

    related: list[str] = Field(default_factory=list)
    """Handles of what was made of the same events: what these say was not changed."""


class RowUse(Record):
    """How a memory or a piece of knowledge was used by packs."""

    handle: str
    layer: Layer
    text: str
    shown: int
    """In how many packs it stood."""
    of: int
    """How many were read since it first did, or since the beginning."""
    last_at: UtcDatetime | None = None
    """When it last stood in one; None for never."""
    created_at: UtcDatetime


class ForgetRequest(Request):
    """What is asked of `forget_memory`: handles, or a session, or everything of an anima."""

    handles: tuple[str, ...] | None = Field(
        None, min_length=1, max_length=1_000, examples=[["e341", "m12"]]
    )
    session_id: str | None = Field(None, min_length=1, max_length=255)
    everything: bool = False
    anima: AnimaRef = None
    confirm: str | None = Field(None, max_length=64)


class ForgetReport(Record):
    """What would be erased, or the receipt of what was."""

    anima_id: UUID
    anima: str
    events: list[str]
    memories: list[str]
    knowledge: list[str]
    """Handles of what goes, or went: what was named, and what was made of it alone."""
    unlinked: list[str]
    """What stays and loses the source, its quote and the link: it keeps others."""
    kept_sources: list[str]
    """Events that the named rows were made of: their words are not erased."""
    given_back: list[str] = Field(default_factory=list)
    """Events whose memory goes because of others: they become pending, to be remembered anew."""
    without_memory: list[str] = Field(default_factory=list)
    """Knowledge that stays with all its sources, and loses the memory that it came from."""
    confirm: str | None = None
    """The token that confirms it; None in a receipt."""
    expires_at: UtcDatetime | None = None
    erased_at: UtcDatetime | None = None
    """None as long as nothing was erased."""
    unreached: list[str] = Field(default_factory=list)
    """Where words may still stand that we cannot erase."""


class MergeReport(Record):
    """What would come from one anima into another, or the receipt of what did."""

    source: str
    source_id: UUID
    target: str
    target_id: UUID
    events: int
    joined: int
    """Of these, events that the target had already: one row stands for both."""
    memories: int
    knowledge: int
    dreams: int
    pending: int
    """Events of which no memory was made yet; the target makes them."""
    readers: list[str]
    """The animas that may read what the target knows, by a grant: they may read this too."""
    dream: str | None = None
    """The entry in the target's journal; None as long as nothing was moved."""
    merged_at: UtcDatetime | None = None


class RedactReport(Record):
    """What would be masked of what is stored, or the receipt of what was."""

    anima_id: UUID
    anima: str
    events: list[str]
    memories: list[str]
    knowledge: list[str]
    """Handles of the rows that read otherwise."""
    journal: int
    """How many changes in the journal do."""
    redactions: int
    """How often something was masked, in rows and in the journal."""
    redacted_at: UtcDatetime | None = None
    """None as long as nothing was changed."""
    unreached: list[str] = Field(default_factory=list)


class Usefulness(Record):
    """What packs made of the memories and the knowledge of an anima."""

    packs_read: int
    days: int
    unused: list[RowUse]
    """What no pack showed for so many days, longest first."""
    crowding: list[RowUse]
    """What stands in nearly every pack, most often first."""


# Tracing


class TraceSource(Record):
    """A source event with the words that were taken from it."""

    handle: str
    id: UUID
    event_type: str
    author: str | None
    session_id: str | None
    occurred_at: UtcDatetime | None
    content: str
    quotes: list[str] = Field(default_factory=list)


class TraceDerived(Record):
    """A row that was made of the traced one."""

    handle: str
    id: UUID
    layer: Layer
    text: str
    state: str


class TraceAction(Record):
    """A dream action on the traced row."""

    dream: str
    phase: str
    kind: str
    actor: str
    at: UtcDatetime
    undone: bool
    reasoning: str = ""


Verdict = Literal[
    "in the pack",
    "cut by the budget",
    "outranked",
    "repeats another",
    "told by its source",
    "told by what was made of it",
    "made into nothing",
    "below the floor",
    "not found",
    "superseded",
    "archived",
    "no pack",
]


class Standing(Record):
    """Whether a row is in the pack of its anima, and why."""

    verdict: Verdict
    text: str
    """The same in sentences."""
    query: str | None = None
    mode: str | None = None
    """The models that ranked the rows; part of what determines the pack."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    section: str | None = None
    """The section that it competed for."""
    line: int | None = None
    """Its place there as it reads; None when it is not in."""
    rank: int | None = None
    """Its place, best first, in its section; without one, among all that the query found."""
    of: int | None = None
    reason: Reason | None = None
    score: float | None = None
    breakdown: dict[str, float] = Field(default_factory=dict)
    similarity: float | None = None
    relevance: float | None = None
    """How likely it has to do with the query at all; not in a pack below the `floor`."""
    floor: float | None = None
    superseded_by: str | None = None
    duplicate_of: str | None = None
    """The handle of the line that says nearly the same, and is in."""
    told_by: list[str] = Field(default_factory=list)
    """Handles of what speaks for it: a source that answers better, or what was made of it."""


class Trace(Record):
    """Where a row comes from, what became of it, who changed it, and whether the pack has it."""

    handle: str
    id: UUID
    layer: Layer
    text: str
    state: MemoryState | str
    synthesizer: str = ""
    origin: Origin | None = None
    """Where it comes from, when it is another anima's, read by a grant: of its sources then only
    handles, ids and times are shown, of its history no reasons."""
    sources: list[TraceSource]
    derived: list[TraceDerived]
    history: list[TraceAction]
    in_pack: bool
    pack_reason: str
    """Why it is, or is not, in the pack that a read with this query, or without, gives now."""
    standing: Standing
    """The same with its figures."""
