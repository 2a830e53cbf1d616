"""Screening: an answer from outside, read proposal by proposal.

Owns telling what has the right shape from what has not, so that one bad proposal does not spoil
the others. Does not look at what they say (`memory/grounding.py` does). Invariant: every proposal
of the answer is a candidate or a refusal, under its place in the answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.complaints import rejected
from elephantasm_mcp.types.proposals import KnowledgeProposal, MemoryProposal, Proposals
from elephantasm_mcp.types.records import Record, Request

RequestT = TypeVar("RequestT", bound=Request)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proposal that is not kept: its place in the answer, why, and the events that it names."""

    place: int
    reason: str
    cites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal of the right shape."""

    place: int
    memory: MemoryProposal
    """Without knowledge: that is in `items`."""
    items: list[tuple[int, KnowledgeProposal]]
    """Its knowledge, each piece with its place."""
    dropped: list[Refusal] = field(default_factory=list)
    """The pieces of knowledge of another shape."""


@dataclass(frozen=True, slots=True)
class Screened:
    """An answer, read."""

    candidates: list[Candidate]
    refused: list[Refusal] = field(default_factory=list)


def screen(answer: object) -> Screened:
    """Read `{"memories": […]}`, or the list alone, or either as JSON text.

    Fields that nobody asked for are passed over.

    Raises:
        ValidationError: it is nothing of the kind.
    """
    listed = _listed(answer)
    screened = Screened(candidates=[])
    for place, raw in enumerate(listed):
        try:
            screened.candidates.append(_candidate(place, raw))
        except ValidationError as error:
            refusal = Refusal(place, str(error), frozenset(_handles(raw)))
            screened.refused.append(refusal)
    return screened


def take(proposals: Proposals) -> Screened:
    """What has the right shape already, as if it had been read."""
    return Screened(
        candidates=[
            Candidate(place, memory, items=list(enumerate(memory.knowledge)))
            for place, memory in enumerate(proposals.memories)
        ]
    )


def _sound(answer: object) -> list[MemoryProposal]:
    """The proposals of a list that have the right shape.

    Raises:
        ValueError: it is no list of anything.
    """
    try:
        candidates = screen(answer).candidates
    except ValidationError as error:
        raise ValueError(str(error)) from error
    return [
        one.memory.model_copy(update={"knowledge": [item for _, item in one.items]})
        for one in candidates
    ]


class SoundProposals(Record):
    """`Proposals` as a model answers them: those of another shape are passed over."""

    memories: Annotated[list[MemoryProposal], BeforeValidator(_sound)]


def _listed(answer: object) -> Sequence[object]:
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except (ValueError, RecursionError):
            answer = None
    if isinstance(answer, Mapping):
        answer = answer.get("memories")
    if not isinstance(answer, list):
        raise ValidationError(
            '`proposals` must be an object with a list `memories`. Example: {"memories": []}.',
            field="proposals",
        )
    return answer


def _candidate(place: int, raw: object) -> Candidate:
    owner = f"memories[{place}]"
    if not isinstance(raw, Mapping):
        raise ValidationError(f"`{owner}` must be an object.", field="memories")
    found = raw.get("knowledge") or []
    knowledge = found if isinstance(found, list) else [found]
    memory = _read(MemoryProposal, {**raw, "knowledge": []}, owner=owner)
    candidate = Candidate(place, memory, items=[])
    for number, item in enumerate(knowledge):
        try:
            read = _read(KnowledgeProposal, item, owner=f"{owner}.knowledge[{number}]")
            candidate.items.append((number, read))
        except ValidationError as error:
            candidate.dropped.append(Refusal(number, str(error)))
    return candidate


def _read(model: type[RequestT], raw: object, *, owner: str) -> RequestT:
    """One proposal, without what nobody asked for.

    Raises:
        ValidationError: a value breaks a rule; the message names it.
    """
    if not isinstance(raw, Mapping):
        raise ValidationError(f"`{owner}` must be an object.", field="knowledge")
    known: dict[str, Any] = {name: raw[name] for name in model.model_fields if name in raw}
    if isinstance(sources := known.get("sources"), list):
        known["sources"] = [_source(source) for source in sources]
    try:
        return model.model_validate(known)
    except PydanticValidationError as error:
        raise rejected(error, owner=owner, schema=model.model_json_schema()) from None


def _source(raw: object) -> object:
    if not isinstance(raw, Mapping):
        return raw
    return {name: raw[name] for name in ("event", "quote") if name in raw}


def _handles(raw: object) -> list[str]:
    """The events that a proposal of any shape names."""
    sources = raw.get("sources") if isinstance(raw, Mapping) else None
    if not isinstance(sources, list):
        return []
    named = [source.get("event") for source in sources if isinstance(source, Mapping)]
    return [handle for handle in named if isinstance(handle, str)]
