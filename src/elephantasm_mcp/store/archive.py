"""Archives and the store: an anima's rows as lines of an archive, and back.

Owns the order of the lines, and the only place where the number of an anima is taken out of row ids
and put in again. Opens no file and decides nothing. Invariant: lines come in one order that their
keys ascend in, so two archives of the same rows are the same, and can be compared line by line.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.ports import Row, Tx
from elephantasm_mcp.store import animas, search
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.events import forgotten_keys
from elephantasm_mcp.store.memories import Snapshot
from elephantasm_mcp.store.ranges import ranges
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.archive import Raw
from elephantasm_mcp.types.records import (
    LAYER_LETTERS,
    SEQ_BITS,
    AnimaNo,
    JournalLayer,
    Layer,
    RowId,
    UserNo,
    row_id,
    unpack_row_id,
)

Key: TypeAlias = tuple[int | str, ...]
"""Where a line stands among those of its kind in its anima."""
Renumber: TypeAlias = Callable[[int], int]
NUMBERED: Final = ("event", "memory", "knowledge", "identity", "conflict", "dream")
"""The kinds of lines that an anima's counters number, each with its own."""

_JOURNAL: Final[tuple[JournalLayer, ...]] = ("memory", "knowledge", "identity", "conflict")
_IDS: Final = ("superseded_by", "memory_id", "first_id", "second_id", "kept_id")
"""The columns of rows, and of their snapshots, that name other rows."""
_DERIVED: Final = ("recency_score", "decay_score", "access_count", "last_accessed_at")
_ALL: Final = ("event_seq", "memory_seq", "knowledge_seq", "identity_seq", "conflict_seq")
_MANY: Final = 256
_FEW: Final = 8
"""Runs, of which one may have hundreds of changes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of line."""

    key: tuple[str, ...]
    """The fields that say where a line stands among its kind."""
    within: tuple[str, ...] = ()
    """The counters that bound its first key; none: there are few, which are read at once."""
    step: int = _MANY
    """How many numbers are read at once, so that no more is in memory."""
    json: tuple[str, ...] = ()
    """The columns that hold JSON."""
    optional: tuple[str, ...] = ()
    """The columns that a line leaves out where they are empty: earlier archives had none."""


KINDS: Final[Mapping[str, Kind]] = {
    "event": Kind(("no",), ("event_seq",), json=("meta",)),
    "memory": Kind(("no",), ("memory_seq",)),
    "knowledge": Kind(("no",), ("knowledge_seq",)),
    "identity": Kind(("no",), ("identity_seq",)),
    "conflict": Kind(("no",), ("conflict_seq",)),
    "dream": Kind(("no",), ("dream_seq",), json=("counts",)),
    "action": Kind(("dream", "position"), ("dream_seq",), _FEW, ("before", "after", "sources")),
    "consumption": Kind(("dream", "event"), ("dream_seq",), _FEW),
    "declined": Kind(("no", "layer", "operation"), _ALL),
    "uses": Kind(("no", "at"), ("memory_seq",)),
    "access": Kind(("no",), ("memory_seq",)),
    "shown": Kind(("no", "layer"), _ALL),
    "forgotten": Kind(("no", "layer"), _ALL, optional=("key_digest",)),
    "unmade": Kind(("event", "model"), ("event_seq",)),
    "call": Kind(("no",)),
    "plan": Kind(("id",), json=("calls", "operations")),
    "order": Kind(("id",), json=("events",)),
}
"""In the order of the file: behind its anima, and what refers to a row behind that."""


@dataclass(slots=True)
class Place:
    """An anima that lines are read from, or put into."""

    anima_no: AnimaNo
    user_no: UserNo
    line: Raw
    """Its own line."""
    call_nos: dict[int, int]
    """The calls of language models by their number in the archive."""

    @property
    def base(self) -> int:
        """What is added to a number to make a row id."""
        return self.anima_no << SEQ_BITS

    def number(self, id_: int) -> int:
        """The number of a row of this anima.

        Raises:
            StorageError: it is another's.
        """
        anima_no, number = unpack_row_id(RowId(id_))
        if anima_no != self.anima_no:
            raise StorageError(
                f"A row of the anima {self.line['name']} names one of another anima.",
                hint="`elephantasm-mcp doctor` says more.",
            )
        return number

    def id(self, number: int) -> int:
        """The inverse of `number`."""
        return row_id(self.anima_no, number)


def place_of(tx: Tx, anima_no: AnimaNo, *, user_no: UserNo) -> Place:
    """An anima to read from, or to put into.

    Raises:
        LookupError: there is none of that number.
    """
    row = tx.one("archived_anima", anima_no=anima_no)
    if row is None:
        raise LookupError(anima_no)
    line = {"kind": "anima", **row, "settings": from_json(row["settings"])}
    line["meta"] = None if row["meta"] is None else from_json(row["meta"])
    return Place(anima_no, user_no, line, {})


def lines(tx: Tx, place: Place) -> Iterator[Raw]:
    """All lines of an anima, its own first."""
    yield place.line
    for kind in KINDS:
        yield from lines_of(tx, place, kind)


def lines_of(tx: Tx, place: Place, kind: str) -> Iterator[Raw]:
    """The lines of one kind, in the order of their keys."""
    how = KINDS[kind]
    if not how.within:
        for row in _few(tx, place, kind):
            yield _line(place, kind, row, {})
        return
    last = max(place.line[name] for name in how.within)
    for low, high in ranges(tx, place.anima_no, last, step=how.step):
        bounds = {"low": low, "high": high}
        rows = tx.all(f"archived_{kind}", **bounds)
        links = _links(tx, place, kind, bounds) if rows and kind in _JOURNAL else {}
        for row in rows:
            yield _line(place, kind, row, links)


def grants(tx: Tx, user_no: UserNo) -> Iterator[Raw]:
    """What a user's animas were given to read of each other."""
    for row in tx.all("archived_grant", user_no=user_no):
        yield {"kind": "grant", **row}


def key_of(kind: str, line: Mapping[str, Any]) -> Key:
    """Where a line stands among its kind."""
    return tuple(line[name] for name in KINDS[kind].key)


def name_of(kind: str, line: Mapping[str, Any]) -> str:
    """How people call a row."""
    if "dream" in KINDS[kind].key:
        return f"what d{line['dream']} did"
    if kind in NUMBERED:
        return f"{kind[0]}{line['no']}"
    return f"a line of the kind {kind}"


def find(tx: Tx, uuid: str) -> tuple[AnimaNo, UserNo] | None:
    """The anima of an id, whoever owns it, and who does."""
    row = tx.one("owner_of_anima", uuid=UUID(uuid).bytes)
    return None if row is None else (AnimaNo(row["anima_no"]), UserNo(row["user_no"]))


def add_anima(tx: Tx, line: Raw, *, user_no: UserNo) -> bool:
    """Put an anima there; False when its user has another one of that name."""
    values = {name: value for name, value in line.items() if name != "kind"}
    values["settings"] = to_json(line["settings"])
    values["meta"] = None if line["meta"] is None else to_json(line["meta"])
    return tx.run("unarchive_anima", user_no=user_no, **values) > 0


def put(tx: Tx, place: Place, kind: str, line: Raw) -> bool:
    """Put a line there; False when something else has its number, id or place."""
    values: dict[str, Any] = {name: value for name, value in line.items() if name != "kind"}
    links: list[Any] = []
    if kind in _JOURNAL:
        row = _numbered(values.pop("row"), place.id)
        links = row.pop("links")
        values |= row | values.pop("derived", {})
    else:
        values |= _stored(tx, place, kind, line)
        if kind == "call":
            del values["no"]
    for name in KINDS[kind].json:
        values[name] = None if values[name] is None else to_json(values[name])
    for name in KINDS[kind].optional:
        values.setdefault(name, None)
    if not tx.run(f"unarchive_{kind}", base=place.base, **values):
        return False
    if links:
        tx.many("add_link", _link_rows(kind, place.id(line["no"]), links))
    return True


def put_grant(tx: Tx, line: Raw, *, user_no: UserNo) -> bool:
    """Put a grant there; False when another one has its id, or stands in its place."""
    values = {name: value for name, value in line.items() if name != "kind"}
    return tx.run("unarchive_grant", user_no=user_no, **values) > 0


def note_return(tx: Tx, place: Place, layer: Layer, number: int) -> None:
    """Say that a row stands where others may have been read already."""
    search.forget_vectors(tx, place.anima_no, layer, RowId(place.id(number)))


def finish(tx: Tx, place: Place, line: Raw) -> StoredAnima:
    """Let an anima count on behind the rows that it got, of which `line` tells."""
    names = (*_ALL, "dream_seq", "action_seq", "last_event_at", "light_sleep_at", "deep_sleep_at")
    names = (*names, "deep_sleep_upto", "erased_at", "packs_read")
    tx.run("advance_anima", anima_no=place.anima_no, **{name: line[name] for name in names})
    animas.recount_pending(tx, place.anima_no)
    return animas.get(tx, place.anima_no)


def is_forgotten(tx: Tx, place: Place, kind: str, line: Raw) -> bool:
    """Whether a row was forgotten here, or an event of its key."""
    if kind not in LAYER_LETTERS.values():
        return False
    if tx.one("tombstone", layer=kind, id=place.id(line["no"])) is not None:
        return True
    return kind == "event" and bool(forgotten_keys(tx, place.anima_no, [line["dedupe_key"]]))


def _few(tx: Tx, place: Place, kind: str) -> list[Row]:
    """The rows of a kind of which there are few."""
    match kind:
        case "call":
            _number_calls(tx, place)
            return tx.all("archived_call", anima_no=place.anima_no)
        case "plan":
            return tx.all("archived_plan", anima_no=place.anima_no)
        case _:
            return tx.all("archived_order", anima_no=place.anima_no, user_no=place.user_no)


def _number_calls(tx: Tx, place: Place) -> None:
    """Know which call of the database each of the archive is; the numbers of neither change."""
    rows = tx.all("archived_call", anima_no=place.anima_no)
    place.call_nos.update({row["no"]: row["call_no"] for row in rows})


def _links(tx: Tx, place: Place, layer: str, bounds: Mapping[str, int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for no, source_layer, source_id, quote in tx.tuples("archived_links", layer=layer, **bounds):
        found[no].append([source_layer, place.number(source_id), quote])
    return found


def _stored(tx: Tx, place: Place, kind: str, line: Raw) -> Raw:
    """What of a line is called otherwise in the store."""
    match kind:
        case "action":
            return _snapshots(line, place.id)
        case "order":
            events = [place.id(no) for no in line["events"]]
            return {"events": events, "user_no": place.user_no}
        case "plan":
            _number_calls(tx, place)
            known = [place.call_nos[no] for no in line["calls"] if no in place.call_nos]
            return {"operations": _steps(line, place.id), "calls": known}
        case _:
            return {}


def _line(place: Place, kind: str, row: Row, links: Mapping[int, list[Any]]) -> Raw:
    """A row as it stands in the file.

    Raises:
        StorageError: it is damaged.
    """
    name = name_of(kind, row)
    try:
        return _written(place, kind, row, links)
    except (StorageError, LookupError, TypeError, ValueError) as error:  # JSON of another shape
        raise StorageError(
            f"The archive cannot be written: {name} of the anima {place.line['name']} is damaged.",
            hint="`elephantasm-mcp doctor` says more; `restore FILE` puts a backup in its place.",
        ) from error


def _written(place: Place, kind: str, row: Row, links: Mapping[int, list[Any]]) -> Raw:
    if kind in _JOURNAL:
        no = row.pop("no")
        derived = {name: row.pop(name) for name in _DERIVED if name in row}
        row["links"] = links.get(no, [])
        line = {"kind": kind, "no": no, "row": _named(row, place.number)}
        return line | ({"derived": derived} if derived else {})
    for name in KINDS[kind].json:
        row[name] = None if row[name] is None else from_json(row[name])
    for name in KINDS[kind].optional:
        if row[name] is None:
            del row[name]
    row.pop("call_no", None)
    return {"kind": kind} | row | _archived(place, kind, row)


def _archived(place: Place, kind: str, row: Row) -> Raw:
    """What of a row is called otherwise in an archive."""
    match kind:
        case "action":
            return _snapshots(row, place.number)
        case "order":
            return {"events": [place.number(id_) for id_ in row["events"]]}
        case "plan":
            numbers = {call_no: no for no, call_no in place.call_nos.items()}
            known = [numbers[one] for one in row["calls"] if one in numbers]
            return {"operations": _steps(row, place.number), "calls": known}
        case _:
            return {}


def _snapshots(action: Mapping[str, Any], renumber: Renumber) -> Raw:
    """What stood there before and after a change, with its rows called in another way."""
    return {
        name: None if action[name] is None else _numbered(action[name], renumber)
        for name in ("before", "after")
    }


def _named(row: Snapshot, renumber: Renumber) -> Snapshot:
    """A row whose columns name rows in another way; its links are left as they are."""
    return row | {name: renumber(row[name]) for name in _IDS if row.get(name) is not None}


def _numbered(snapshot: Snapshot, renumber: Renumber) -> Snapshot:
    links = [[layer, renumber(id_), quote] for layer, id_, quote in snapshot["links"]]
    return _named(snapshot, renumber) | {"links": links}


def _steps(plan: Mapping[str, Any], renumber: Renumber) -> list[Any]:
    """What a plan is to do. Deep sleep speaks of handles, light sleep of rows."""
    if plan["phase"] != "light":
        return plan["operations"]
    return [one | {"id": renumber(one["id"])} for one in plan["operations"]]


def _link_rows(layer: str, id_: int, links: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "layer": layer,
            "id": id_,
            "position": position,
            "source_layer": source_layer,
            "source_id": source_id,
            "quote": quote,
        }
        for position, (source_layer, source_id, quote) in enumerate(links)
    ]
