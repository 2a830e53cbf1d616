"""mcp-memory-service: its JSON export and its database.

After the source of mcp-memory-service 10.59.0: `sync/exporter.py` (`{"export_metadata": {…},
"memories": [{"content", "content_hash", "tags", "created_at", "updated_at", "memory_type",
"metadata"}]}`) and `storage/sqlite_vec.py` (the table `memories`; `tags` with commas between them,
`metadata` as JSON, times as seconds since 1970, `deleted_at` where it was deleted). Its key is the
`content_hash`, which is unique there. Invariant: what was deleted is no event.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from elephantasm_mcp.memory.formats.arrays import read_array
from elephantasm_mcp.memory.formats.items import (
    Item,
    Rejected,
    found,
    key,
    mend,
    moment,
    text_of,
)
from elephantasm_mcp.memory.formats.parts import Part

SOURCE: Final = "mcp-memory-service"
MEMORIES: Final = "memory_service_memories"
"""The statement that reads the database."""
_UNTAGGED: Final = "untagged"


def read_memory_service(part: Part) -> Iterator[Item]:
    """One event for each memory of an export; positions are bytes."""
    for place, position, value in read_array(part, name="memory", keys=("memories",)):
        if isinstance(value, Rejected):
            yield value
        else:
            yield _memory(value, place=place, position=position)


def read_memory_service_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """One event for each row that was not deleted."""
    for number, row in enumerate(rows, start=1):
        value = dict(row) | {"metadata": _json(row["metadata"]), "tags": row["tags"]}
        yield _memory(value, place=f"row {number}", position=number)


def _memory(value: Mapping[str, Any], *, place: str, position: int) -> Item:
    text, id_ = text_of(value.get("content")), text_of(value.get("content_hash"))
    if not text:
        return Rejected(place, position, "It has no `content`, so it says nothing.")
    tags = _tags(value.get("tags"))
    noted = {
        "tags": tags,
        "memory_type": text_of(value.get("memory_type")),
        "metadata": value.get("metadata"),
    }
    written = value.get("created_at")
    fields = {
        "content": text,
        "occurred_at": moment(written) or moment(value.get("created_at_iso")),
        "meta": {name: one for name, one in noted.items() if one} | {"source": SOURCE},
        "source_uri": f"{SOURCE}:{id_}" if id_ else SOURCE,
        "dedupe_key": key(SOURCE, id_ or text),
    }
    return found(fields, place=place, position=position, group=(id_, *tags))


def _tags(value: object) -> list[str]:
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list):
        return []
    return [tag for one in tags if (tag := text_of(one)) and tag != _UNTAGGED]


def _json(text: object) -> object:
    try:
        return mend(json.loads(text)) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
