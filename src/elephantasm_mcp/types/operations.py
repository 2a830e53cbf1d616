"""What deep sleep may do to an anima, as a tagged union.

Owns the one shape in which a rule, a language model or a stored plan says it. Knows no store:
whether an operation may be done is for `memory/operations.py`. Invariant: rows are named by the
handles that the proposer was shown, so an operation can only touch what it was shown.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from elephantasm_mcp.types.records import KnowledgeType, Request

Handle: TypeAlias = Annotated[str, Field(min_length=2, max_length=12)]
Reasoning: TypeAlias = Annotated[str, Field(max_length=500)]
_Line: TypeAlias = Annotated[str, Field(max_length=2000)]
_Text: TypeAlias = Annotated[str, Field(max_length=20_000)]
MOST_PARTS = 5


class Merge(Request):
    """Several memories, or several knowledge items, say the same: one stays and has all sources.

    Without a `text` the row in `keep` stays as it reads.
    """

    kind: Literal["merge"] = "merge"
    keep: Handle
    others: list[Handle] = Field(min_length=1, max_length=20)
    text: _Line = ""
    """The line of a memory, or what knowledge says."""
    content: _Text = ""
    """The fuller text of a memory; without it that of `keep` stays, with those of the others."""
    reasoning: Reasoning = ""


class Part(Request):
    """One of the memories that a compound one is split into."""

    text: _Line
    content: _Text = ""
    sources: list[Handle] = Field(default_factory=list, max_length=50)
    """Those of the compound one's events that it is made of; without any, all."""


class Split(Request):
    """A memory tells of several things: each becomes a memory of its own."""

    kind: Literal["split"] = "split"
    target: Handle
    parts: list[Part] = Field(min_length=2, max_length=MOST_PARTS)
    reasoning: Reasoning = ""


class Refine(Request):
    """A memory or a knowledge item is put better, from the same sources."""

    kind: Literal["refine"] = "refine"
    target: Handle
    text: _Line
    content: _Text = ""
    reasoning: Reasoning = ""


class Archive(Request):
    """A memory or a knowledge item that says too little leaves recall."""

    kind: Literal["archive"] = "archive"
    target: Handle
    reasoning: Reasoning = ""


class Supersede(Request):
    """A knowledge item held until a newer one, which contradicts it."""

    kind: Literal["supersede"] = "supersede"
    older: Handle
    newer: Handle
    reasoning: Reasoning = ""


class Reclassify(Request):
    """A knowledge item is of another kind."""

    kind: Literal["reclassify"] = "reclassify"
    target: Handle
    knowledge_type: KnowledgeType
    reasoning: Reasoning = ""


class Retire(Request):
    """A knowledge item holds no longer, and nothing took its place."""

    kind: Literal["retire"] = "retire"
    target: Handle
    reasoning: Reasoning = ""


class Conflict(Request):
    """Two rows contradict each other, neither plainly newer: both stay, and it is asked once."""

    kind: Literal["conflict"] = "conflict"
    first: Handle
    second: Handle
    question: Annotated[str, Field(max_length=300)]
    reasoning: Reasoning = ""


class IdentityStatement(Request):
    """One thing that is true of the agent, with what shows it."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    evidence: list[Handle] = Field(min_length=1, max_length=20)


class Identity(Request):
    """Who the agent is, anew."""

    kind: Literal["identity"] = "identity"
    personality_type: Annotated[str, Field(max_length=100)] = ""
    communication_style: Annotated[str, Field(max_length=500)] = ""
    self_reflection: Annotated[str, Field(max_length=1000)] = ""
    prose: _Line
    """70 to 100 tokens."""
    statements: list[IdentityStatement] = Field(min_length=1, max_length=12)
    """What the parts above rest on."""
    reasoning: Reasoning = ""


Operation: TypeAlias = Annotated[
    Merge | Split | Refine | Archive | Supersede | Reclassify | Retire | Conflict | Identity,
    Field(discriminator="kind"),
]


class Operations(Request):
    """All that one night proposes; none is a good answer."""

    operations: list[Operation] = Field(default_factory=list, max_length=200)


def handles_of(operation: Operation) -> list[str]:
    """The rows that an operation names, in its order; those it changes and those it rests on."""
    match operation:
        case Merge():
            return [operation.keep, *operation.others]
        case Split():
            return [operation.target, *(one for part in operation.parts for one in part.sources)]
        case Supersede():
            return [operation.older, operation.newer]
        case Conflict():
            return [operation.first, operation.second]
        case Identity():
            return list(dict.fromkeys(h for one in operation.statements for h in one.evidence))
        case Refine() | Archive() | Reclassify() | Retire():
            return [operation.target]
