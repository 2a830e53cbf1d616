"""The lines of an archive: what each kind of row looks like in the file.

Owns their fields, which are those of the store with three differences: a row is called by its
number in its anima, an anima by its UUID, and JSON stands as JSON. Times are microseconds since
1970 (UTC), UUIDs 32 hexadecimal digits. Invariant: a line that these models accept breaks no rule
of the store but uniqueness.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue, TypeAdapter

from elephantasm_mcp.types.operations import Operation
from elephantasm_mcp.types.records import (
    AnimaSettings,
    EventState,
    EventType,
    JournalLayer,
    KnowledgeType,
    Layer,
    MemoryState,
    Trust,
)

FORMAT: Final = "elephantasm-archive"
VERSION: Final = 1
"""Of the lines; a change that an earlier reader would misread makes it another."""

Whole: TypeAlias = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Number: TypeAlias = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
"""Of a row: what stands in its handle. Half of those that there are, so that more can follow."""
LastNumber: TypeAlias = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Moment: TypeAlias = Annotated[
    int, Field(strict=True, ge=-62_135_596_800_000_000, lt=253_402_300_800_000_000)
]
"""In the years 1 to 9999."""
Flag: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=1)]
Share: TypeAlias = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
Id: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Object: TypeAlias = dict[str, JsonValue]
Link: TypeAlias = tuple[Layer, Number, str | None]
"""Layer and number of a source, and the words that were taken from it."""


class Part(BaseModel):
    """Base of all lines."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Header(Part):
    """The first line. It names neither a moment nor a place: the same rows are the same bytes."""

    kind: Literal["archive"]
    format: str
    version: int
    schema_: int = Field(alias="schema")
    made_by: str


class End(Part):
    """The last line: how many are between the first and it, and the SHA-256 of all before it."""

    kind: Literal["end"]
    rows: Count
    sha256: str


class AnimaLine(Part):
    """An anima. Whose it is does not stand there: it becomes the importer's."""

    kind: Literal["anima"]
    id: Id
    name: str = Field(min_length=1, max_length=255)
    description: str | None
    meta: Object | None
    settings: Object
    created_at: Moment
    updated_at: Moment
    event_seq: LastNumber
    memory_seq: LastNumber
    knowledge_seq: LastNumber
    dream_seq: LastNumber
    action_seq: LastNumber
    identity_seq: LastNumber
    conflict_seq: LastNumber
    last_event_at: Moment | None
    light_sleep_at: Moment | None
    deep_sleep_at: Moment | None
    deep_sleep_upto: Count
    erased_at: Moment | None
    packs_read: Count

    def check(self) -> None:
        """Refuse settings that no anima can have; raises pydantic's ValidationError."""
        AnimaSettings.model_validate(self.settings)


class EventLine(Part):
    """An event."""

    kind: Literal["event"]
    no: Number
    id: Id
    event_type: EventType
    role: str | None
    author: str | None
    summary: str | None
    content: str = Field(min_length=1)
    occurred_at: Moment
    session_id: str | None
    meta: Object
    source_uri: str | None
    dedupe_key: str | None
    content_hash: Id
    importance: Share | None
    tokens: Count
    redactions: Count
    trust: Trust
    state: EventState
    created_at: Moment
    updated_at: Moment


class MemoryRow(Part):
    """A memory as the journal keeps it."""

    uuid: Id
    version: Count
    summary: str
    content: str
    importance: Share
    confidence: Share
    state: MemoryState
    time_start: Moment
    time_end: Moment
    session_id: str | None
    meta: Json[Object]
    provisional: Flag
    synthesizer: str
    pinned: Flag
    trust: Trust
    superseded_by: Number | None
    created_at: Moment
    updated_at: Moment
    links: list[Link]


class KnowledgeRow(Part):
    """A knowledge item as the journal keeps it."""

    uuid: Id
    version: Count
    type: KnowledgeType
    content: str
    confidence: Share
    valid_from: Moment | None
    valid_until: Moment | None
    memory_id: Number | None
    provisional: Flag
    synthesizer: str
    pinned: Flag
    trust: Trust
    superseded_by: Number | None
    archived: Flag
    created_at: Moment
    updated_at: Moment
    links: list[Link]


class Evidence(Part):
    """A statement of an identity, and the handles of what shows it."""

    text: str
    evidence: list[str]


class IdentityRow(Part):
    """A version of the identity as the journal keeps it."""

    uuid: Id
    version: Count
    personality_type: str | None
    communication_style: str | None
    self_reflection: Json[Object] | None
    prose: str
    statements: Json[list[Evidence]]
    synthesizer: str
    created_at: Moment
    updated_at: Moment
    links: list[Link]


class ConflictRow(Part):
    """A conflict as the journal keeps it."""

    uuid: Id
    version: Count
    of_layer: Literal["memory", "knowledge"]
    first_id: Number
    second_id: Number
    question: str
    state: str
    kept_id: Number | None
    created_at: Moment
    updated_at: Moment
    links: list[Link]


ROWS: Final[dict[JournalLayer, type[Part]]] = {
    "memory": MemoryRow,
    "knowledge": KnowledgeRow,
    "identity": IdentityRow,
    "conflict": ConflictRow,
}


class Uses(Part):
    """What is derived of a memory: no conflict hangs on it."""

    recency_score: float | None
    decay_score: float | None
    access_count: Count
    last_accessed_at: Moment | None


class MemoryLine(Part):
    """A memory."""

    kind: Literal["memory"]
    no: Number
    row: MemoryRow
    derived: Uses


class KnowledgeLine(Part):
    """A knowledge item."""

    kind: Literal["knowledge"]
    no: Number
    row: KnowledgeRow


class IdentityLine(Part):
    """A version of the identity."""

    kind: Literal["identity"]
    no: Number
    row: IdentityRow


class ConflictLine(Part):
    """Two rows that contradict each other."""

    kind: Literal["conflict"]
    no: Number
    row: ConflictRow


class DreamLine(Part):
    """One run in the journal."""

    kind: Literal["dream"]
    no: Number
    id: Id
    phase: str
    actor: str
    synthesizer: str
    started_at: Moment
    finished_at: Moment
    counts: dict[str, Whole]
    tokens: Count
    undoes: Number | None
    undone_by: Number | None
    note: str


class ActionLine(Part):
    """One change of a run; `no` is the row's."""

    kind: Literal["action"]
    dream: Number
    position: Count
    change: Literal["create", "update", "delete"]
    layer: JournalLayer
    no: Number
    before: Object | None
    after: Object | None
    sources: list[str]
    reasoning: str
    operation: str
    inputs: str
    model: str
    tokens: Count
    forgotten: Flag
    at: Moment

    def check(self) -> None:
        """Refuse what was never a row; raises pydantic's ValidationError."""
        for snapshot in (self.before, self.after):
            if snapshot is not None:
                ROWS[self.layer].model_validate(snapshot)


class ConsumptionLine(Part):
    """That a run consumed an event."""

    kind: Literal["consumption"]
    dream: Number
    event: Number
    before: EventState
    after: EventState
    at: Moment


class DeclinedLine(Part):
    """That a person took an operation back."""

    kind: Literal["declined"]
    no: Number
    layer: JournalLayer
    operation: str
    inputs: str


class UsesLine(Part):
    """Uses of a memory that light sleep counted."""

    kind: Literal["uses"]
    no: Number
    at: Moment
    uses: Count
    last_at: Moment


class AccessLine(Part):
    """Uses of a memory that wait for light sleep."""

    kind: Literal["access"]
    no: Number
    uses: Count
    last_at: Moment


class ShownLine(Part):
    """How often a row stood in packs."""

    kind: Literal["shown"]
    no: Number
    layer: Literal["memory", "knowledge"]
    times: Count
    last_at: Moment
    packs_before: Whole
    """How many its anima had read; less than none when it came from one that had read more."""


class ForgottenLine(Part):
    """A tombstone."""

    kind: Literal["forgotten"]
    no: Number
    layer: Layer
    at: Moment
    key_digest: Id | None = None
    """By what a forgotten event is known again; left out where there is none."""


class UnmadeLine(Part):
    """That a model makes nothing of an event."""

    kind: Literal["unmade"]
    event: Number
    model: str
    at: Moment


class CallLine(Part):
    """A call of a language model."""

    kind: Literal["call"]
    no: Number
    dream: Number | None
    purpose: str
    model: str
    at: Moment
    tokens: Count
    tokens_in: Count
    tokens_out: Count
    cost_usd: float | None
    duration_us: Count | None
    outcome: str
    error: str


class LightStep(Part):
    """What a plan of light sleep would do to a memory."""

    id: Number
    state: MemoryState
    decay: float
    inputs: str
    importance: float


class DeepStep(Part):
    """What a plan of deep sleep would do."""

    operation: Operation
    inputs: dict[str, str]
    model: str
    tokens: Count


class PlanLine(Part):
    """A plan that nobody answered; `calls` are numbers of `call` lines."""

    kind: Literal["plan"]
    id: Id
    phase: Literal["light", "deep"]
    synthesizer: str
    tokens: Count
    calls: list[Number]
    operations: list[Object]
    created_at: Moment
    expires_at: Moment

    def check(self) -> None:
        """Refuse steps that no such plan can have; raises pydantic's ValidationError."""
        step = LightStep if self.phase == "light" else DeepStep
        for one in self.operations:
            step.model_validate(one)


class OrderLine(Part):
    """An open work order, over events by number."""

    kind: Literal["order"]
    id: Id
    events: list[Number]
    created_at: Moment
    expires_at: Moment


class GrantLine(Part):
    """What one anima of the archive may, or might, read of another."""

    kind: Literal["grant"]
    id: Id
    source: Id
    reader: Id
    knowledge: Flag
    memories: Flag
    granted_at: Moment
    ended_by_person: Flag
    revoked_at: Moment | None


Line: TypeAlias = Annotated[
    Header
    | End
    | AnimaLine
    | EventLine
    | MemoryLine
    | KnowledgeLine
    | IdentityLine
    | ConflictLine
    | DreamLine
    | ActionLine
    | ConsumptionLine
    | DeclinedLine
    | UsesLine
    | AccessLine
    | ShownLine
    | ForgottenLine
    | UnmadeLine
    | CallLine
    | PlanLine
    | OrderLine
    | GrantLine,
    Field(discriminator="kind"),
]
LINE: Final[TypeAdapter[Line]] = TypeAdapter(Line)
Raw: TypeAlias = dict[str, Any]
"""A line as JSON has it."""
