"""Granted: what an anima may read of others, and what their rows are called there.

Owns the names of such rows, `house-rules:k7`, and whether one may be read. Invariant: everything is
read off the grants that stand in the very transaction that reads the rows; a row that its own anima
would not show (archived, superseded, forgotten) is not shown to a reader, and nothing that the
source itself reads by a grant is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import grants as store
from elephantasm_mcp.store import memories
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.grants import Held
from elephantasm_mcp.types.grants import Origin
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import Layer, MemoryState, RowId, User

SIGN: Final = ":"
"""Between the source's name and the row's own handle."""
NAME_CHARS: Final = 30
"""How much of the source's name stands in a handle."""
TAIL_CHARS: Final = 4
"""How much of the source's id stands behind its name where two sources are called alike."""
_STRUCTURE: Final = {ord(sign): "-" for sign in ':~(),;"'}
"""What a name must not have in a handle: it would read as the line's own."""


@dataclass(frozen=True, slots=True)
class Granted:
    """One anima of which another may read."""

    held: Held
    anima: StoredAnima
    label: str

    def handle(self, own: str) -> str:
        """What a row of it, or a dream, is called at the reader's."""
        return f"{self.label}{SIGN}{own}"

    def among(self, layers: Collection[Layer]) -> list[Layer]:
        """Those of these layers that may be read."""
        return [layer for layer in layers if layer in self.held.covers]

    @property
    def origin(self) -> Origin:
        """Where its rows come from."""
        return Origin(
            anima_id=self.held.source_id,
            anima=self.held.source,
            user=self.held.user,
            grant=self.held.grant,
            since=self.held.since,
        )


async def find(core: Core, user: User, ref: AnimaRef) -> tuple[StoredAnima, tuple[Held, ...]]:
    """An anima, as `animas.find`, with what it may read of others: in one look.

    Raises:
        NotFoundError: there is no such anima.
    """
    core = animas.as_asked(core)
    found = await core.database.read(_find, core, user, ref)
    if found is not None:
        animas.say_default(core, ref, found[0])
        return found
    anima = await animas.find(core, user, ref)  # made now, or the only one that there is
    return anima, await core.database.read(store.held, anima.anima_no)


def _find(
    tx: Tx, core: Core, user: User, ref: AnimaRef
) -> tuple[StoredAnima, tuple[Held, ...]] | None:
    anima = animas.look_up(tx, core, user, ref)
    return None if anima is None else (anima, store.held(tx, anima.anima_no))


def sources(tx: Tx, reader: StoredAnima) -> list[Granted]:
    """The animas of which one may read; without any it costs one look into an index."""
    held = store.held(tx, reader.anima_no)
    return [
        Granted(held=one, anima=anima_store.get(tx, one.source_no), label=label)
        for one, label in zip(held, _labels(held), strict=True)
    ]


def is_granted(handle: str) -> bool:
    """Whether a handle is of a row of another anima."""
    return SIGN in handle


def called(among: Sequence[Granted], label: str) -> Granted | None:
    """The source of that name; None where there is none, or where several are called so."""
    wanted = _folded(label)
    exact = [one for one in among if wanted in (_folded(one.label), _folded(_long(one.held)))]
    return exact[0] if len(exact) == 1 else None


def shows(tx: Tx, one: Granted, layer: Layer, id_: RowId) -> bool:
    """Whether a row of the source is there, is current, and may be read."""
    if layer == "event" or layer not in one.held.covers:
        return False
    if anima_store.anima_of(id_) != one.anima.anima_no:
        return False
    row = memories.read_snapshot(tx, layer, id_)
    if row is None or row["superseded_by"] is not None:
        return False
    return not row.get("archived") and row.get("state") != MemoryState.ARCHIVED


def reader_of(
    tx: Tx, user: User, source: StoredAnima, *, first: UUID | None
) -> tuple[StoredAnima, Granted] | None:
    """An anima of the user that may read of another; the one that is named comes first."""
    numbers = store.readers_of(tx, source.anima_no)
    found = [anima_store.get(tx, number) for number in numbers]
    seen = [one for one in found if one.is_seen_by(user)]
    for reader in sorted(seen, key=lambda one: one.id != first):
        for one in sources(tx, reader):
            if one.anima.anima_no == source.anima_no:
                return reader, one
    return None


def _labels(held: Sequence[Held]) -> list[str]:
    """A name for each, cut and on one line; those that are called alike say who is who."""
    short = [_short(one.source) for one in held]
    folded = [name.casefold() for name in short]
    labels = [
        name if folded.count(name.casefold()) == 1 else _long(one)
        for one, name in zip(held, short, strict=True)
    ]
    alike = len({label.casefold() for label in labels}) < len(labels)
    return [_long(one, chars=32) for one in held] if alike else labels


def _short(name: str) -> str:
    return to_line(name, max_chars=NAME_CHARS).translate(_STRUCTURE) or "-"


def _long(held: Held, *, chars: int = TAIL_CHARS) -> str:
    return f"{_short(held.source)}~{held.source_id.hex[-chars:]}"


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()
