"""The reference server `server-memory`: a knowledge graph in `memory.jsonl`.

After the source of @modelcontextprotocol/server-memory 0.6.3 (`loadGraph`, `saveGraph`): each line
is an entity (`name`, `entityType`, `observations`) or a relation (`from`, `to`, `relationType`).
It has neither times nor ids, so a key is made of what is said. Invariant: one event for each
observation and relation; an entity without any is one too.
"""

from collections.abc import Iterator
from typing import Any, Final

from elephantasm_mcp.memory.formats.items import Item, Passed, Rejected, found, key, text_of
from elephantasm_mcp.memory.formats.jsonl import read_objects
from elephantasm_mcp.memory.formats.parts import Part

SOURCE: Final = "server-memory"


def read_server_memory(part: Part) -> Iterator[Item]:
    """What the graph says, statement by statement; positions are bytes."""
    for place, position, line in read_objects(part):
        if isinstance(line, Rejected):
            yield line
            continue
        match line.get("type"):
            case "entity":
                yield from _entity(line, place=place, position=position)
            case "relation":
                yield _relation(line, place=place, position=position)
            case kind:  # the server passes over them too
                yield Passed(place, position, f"lines of type {text_of(kind) or 'none'}")


def _entity(line: dict[str, Any], *, place: str, position: int) -> Iterator[Item]:
    name, kind = text_of(line.get("name")), text_of(line.get("entityType"))
    observations = line.get("observations", [])
    if not name or not isinstance(observations, list):
        yield Rejected(place, position, "An entity has a `name` and a list of `observations`.")
        return
    said = [text for one in observations if (text := text_of(one))]
    for text in said:
        yield _statement(
            f"{name}: {text}",
            keys=("observation", name, text),
            meta={"entity": name, "entity_type": kind},
            names=(name,),
            place=place,
            position=position,
        )
    if not said:
        yield _statement(
            f"{name} is known as: {kind or 'an entity'}.",
            keys=("entity", name, kind),
            meta={"entity": name, "entity_type": kind},
            names=(name,),
            place=place,
            position=position,
        )


def _relation(line: dict[str, Any], *, place: str, position: int) -> Item:
    start, end, kind = (text_of(line.get(name)) for name in ("from", "to", "relationType"))
    if not (start and end and kind):
        return Rejected(place, position, "A relation has `from`, `to` and `relationType`.")
    return _statement(
        f"{start} {kind.replace('_', ' ')} {end}.",
        keys=("relation", start, kind, end),
        meta={"from": start, "to": end, "relation": kind},
        names=(start, end),
        place=place,
        position=position,
    )


def _statement(
    content: str,
    *,
    keys: tuple[str, ...],
    meta: dict[str, Any],
    names: tuple[str, ...],
    place: str,
    position: int,
) -> Item:
    fields = {
        "content": content,
        "meta": meta | {"source": SOURCE},
        "source_uri": f"{SOURCE}:{names[0]}",
        "dedupe_key": key(SOURCE, *keys),
    }
    return found(fields, place=place, position=position, group=names)
