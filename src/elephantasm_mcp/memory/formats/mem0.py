"""mem0: its memories as JSON, and the history that it keeps beside them in SQLite.

After the source of mem0ai 2.0.18: `Memory.get_all` (`{"results": [{"id", "memory", "hash",
"metadata", "created_at", "updated_at", "user_id", "agent_id", "run_id", "actor_id", "role", …}]}`),
the platform's pages of the same under `results`, older releases' bare arrays, and `SQLiteManager`
(the table `history` of `history.db`: what was added, changed and deleted). An export by a schema
of one's own (`create_memory_export`) has no fixed form and cannot be read. Invariant: a memory that
was changed since is another event; one that was deleted is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from elephantasm_mcp.memory.formats.arrays import read_array
from elephantasm_mcp.memory.formats.items import (
    Item,
    Rejected,
    found,
    key,
    moment,
    text_of,
)
from elephantasm_mcp.memory.formats.parts import Part

SOURCE: Final = "mem0"
HISTORY: Final = "mem0_history"
"""The statement that reads the database."""
_NOTED: Final = ("categories", "metadata", "agent_id", "user_id", "actor_id", "attributed_to")


def read_mem0(part: Part) -> Iterator[Item]:
    """One event for each memory; positions are bytes."""
    for place, position, value in read_array(part, name="memory", keys=("results", "memories")):
        if isinstance(value, Rejected):
            yield value
        else:
            yield _memory(value, place=place, position=position)


def read_mem0_history(rows: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """One event for each memory of a `history.db` that was not deleted, as it was last."""
    for number, row in enumerate(rows, start=1):
        yield _memory(
            {
                "id": row["memory_id"],
                "memory": row["memory"],
                "created_at": row["created_at"],
                "updated_at": row["updated_at"],
                "actor_id": row["actor_id"],
                "role": row["role"],
            },
            place=f"row {number}",
            position=number,
        )


def _memory(value: Mapping[str, Any], *, place: str, position: int) -> Item:
    text, id_ = text_of(value.get("memory")), text_of(value.get("id"))
    if not text:
        return Rejected(place, position, "It has no `memory`, so it says nothing.")
    who = next((name for one in ("actor_id", "user_id") if (name := text_of(value.get(one)))), None)
    session = text_of(value.get("run_id")) or None
    fields = {
        "content": text,
        "author": who,
        "session_id": session,
        "occurred_at": moment(value.get("updated_at")) or moment(value.get("created_at")),
        "meta": {name: value[name] for name in _NOTED if value.get(name)} | {"source": SOURCE},
        "source_uri": f"{SOURCE}:{id_}" if id_ else SOURCE,
        "dedupe_key": key(SOURCE, id_, text),
    }
    names = ("user_id", "agent_id", "run_id", "actor_id", "id")
    group = tuple(name for one in names if (name := text_of(value.get(one))))
    return found(fields, place=place, position=position, group=group)
