"""Grants: that one anima, the reader, may read of another, the source.

Owns what is asked and answered about them, and how a row that is read so says where it is from.
Invariant: a grant covers knowledge, memories, or both; never events, and never writing.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from elephantasm_mcp.types.records import Record, Request, UtcDatetime


class GrantRequest(Request):
    """What is asked to be granted of an anima."""

    to: UUID | Annotated[str, Field(min_length=1, max_length=255)] = Field(examples=["coder"])
    """The anima that shall read, by id or name; another user's by its id."""
    to_user: str | None = Field(None, min_length=1, max_length=255)
    """Whose that is, if not the caller's."""
    knowledge: bool = True
    memories: bool = False


class Grant(Record):
    """That the reader may, or might, read of the source."""

    id: UUID
    source_id: UUID | None
    """None: the anima was removed; its name is empty then. So with the reader."""
    source: str
    source_user: str
    reader_id: UUID | None
    reader: str
    reader_user: str
    knowledge: bool
    memories: bool
    granted_at: UtcDatetime
    granted_by: str
    """The user's name."""
    revoked_at: UtcDatetime | None = None
    """None as long as it stands."""
    revoked_by: str = ""
    """Empty as well when it ended because one of the animas was removed or given away."""


class Origin(Record):
    """Where a row comes from that is another anima's, and since when it may be read."""

    anima_id: UUID
    anima: str
    user: str
    grant: UUID
    since: UtcDatetime


class Trusted(Record):
    """That a project may name an anima in a file of its own."""

    anima: str
    anima_id: UUID
    project: str
    """By the name of its own anima."""
    folder: str
    """Where it was when that was said."""
    since: UtcDatetime
