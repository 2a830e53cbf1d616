"""Archives: all that animas hold, as lines of JSON, and taking it in again.

Owns what an archive must be: a header, the rows in their order, an end with their sum. Opens no
file. Invariant: an archive is one state of the database, and is taken in as a whole or not at all;
taken into an empty database and written again it is the same, byte for byte.

What only this database has a use for is left out: vectors and segments, which are made anew, jobs,
what clients saw last, API keys, users and the secret.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Final, TypeAlias, assert_never

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ConflictError, ElephantasmError, ValidationError
from elephantasm_mcp.memory import soundness
from elephantasm_mcp.memory.animas import one_line
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import animas
from elephantasm_mcp.store import archive as store
from elephantasm_mcp.store.archive import KINDS, Key, Place
from elephantasm_mcp.store.values import to_json
from elephantasm_mcp.types.archive import (
    FORMAT,
    LINE,
    VERSION,
    ActionLine,
    AnimaLine,
    ConsumptionLine,
    End,
    ForgottenLine,
    GrantLine,
    Header,
    Line,
    Part,
    PlanLine,
    Raw,
    UnmadeLine,
)
from elephantasm_mcp.types.records import AnimaNo, User

MAX_LINE_BYTES: Final = 256_000_000
"""The longest line there may be: a change of a row has it before and after."""
Sink: TypeAlias = Callable[[bytes], object]
"""Takes the next bytes of an archive; called on a thread."""
Lines: TypeAlias = Iterable[bytes]

_PACKAGE: Final = "elephantasm-mcp"
_REPORTED: Final = 1000
"""Progress is told after so many lines."""
_UNDERIVED: Final = frozenset({"kind", "derived"})
_COUNTS: Final = frozenset({"uses", "access", "shown"})
"""Kinds of lines that count: where both sides have counted, ours stand."""
_ANSWERED: Final = frozenset({"plan", "order"})
"""What may have been answered here since: then it is left as it is."""
_LIKE: Final = ("name", "description", "meta", "settings", "created_at")
"""What an anima of the archive and the one of its id here must have in common."""
_BOUNDS: Final = {kind: f"{kind}_seq" for kind in store.NUMBERED}


@dataclass(frozen=True, slots=True)
class Written:
    """What an archive holds."""

    animas: list[str]
    rows: dict[str, int]
    """By the kind of line."""
    unsound: list[str]
    """What in them does not agree, so that `take_in` would refuse the archive."""


@dataclass(slots=True)
class TakenIn:
    """What became of an archive."""

    animas: list[str] = field(default_factory=list)
    """Names of the animas that were not there before."""
    known_animas: list[str] = field(default_factory=list)
    added: Counter[str] = field(default_factory=Counter)
    """Rows that were not there before, by the kind of line."""
    known: Counter[str] = field(default_factory=Counter)
    """Rows that were there already, and are the same."""
    dry_run: bool = False


async def export(core: Core, user: User, chosen: Sequence[AnimaNo] | None, sink: Sink) -> Written:
    """Write an archive of these animas, or of all that the user sees, from one state of them.

    What does not agree in them is written all the same, and told.

    Raises:
        StorageError: the database cannot be read.
    """
    return await core.database.read(_write, user, chosen, sink, schema=core.database.schema_version)


async def take_in(
    core: Core,
    user: User,
    reopen: Callable[[], Lines],
    *,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> TakenIn:
    """Take an archive in: rows that are there already are left, all others added, in one go.

    `reopen` gives the lines from the first on, and may be called twice. `on_progress` is told how
    many bytes were read. With `dry_run` nothing stays.

    Raises:
        ValidationError: it is no archive, one of another version or of a newer schema, or a line is
            not what it must be; the message names the line. Nothing was stored then.
        ConflictError: something else has the name, a number or an id; the message names it. Nothing
            was stored.
        StorageError: the database failed; nothing was stored.
    """
    reports: list[TakenIn] = []

    def work(tx: Tx) -> None:
        lines = _read(reopen(), schema=core.database.schema_version, on_progress=on_progress)
        reports.append(_Intake(tx, user).take(lines))
        if dry_run:
            raise _RehearsedError

    try:
        await core.database.write(work)
    except _RehearsedError:
        reports[-1].dry_run = True
    return reports[-1]


class _RehearsedError(Exception):
    """Takes back what a dry run did."""


def _write(
    tx: Tx, user: User, chosen: Sequence[AnimaNo] | None, sink: Sink, *, schema: int
) -> Written:
    digest, rows = sha256(), Counter[str]()

    def put(line: Raw) -> None:
        text = to_json(line).encode() + b"\n"
        digest.update(text)
        sink(text)

    header = {"kind": "archive", "format": FORMAT, "version": VERSION, "schema": schema}
    put(header | {"made_by": f"{_PACKAGE} {version(_PACKAGE)}"})
    found = sorted(animas.list_for(tx, user), key=lambda one: one.id)
    found = [one for one in found if chosen is None or one.anima_no in chosen]
    unsound: list[str] = []
    for one in found:
        unsound += [fault.text for fault in soundness.examine_rows(tx, one.anima_no)]
        for line in store.lines(tx, store.place_of(tx, one.anima_no, user_no=one.user_no)):
            put(line)
            rows[line["kind"]] += 1
    ids = {one.id.hex for one in found}
    for line in store.grants(tx, user.no):
        if {line["source"], line["reader"]} <= ids:
            put(line)
            rows["grant"] += 1
    put({"kind": "end", "rows": rows.total(), "sha256": digest.hexdigest()})
    return Written([one.anima.name for one in found], dict(rows), unsound)


@dataclass(frozen=True, slots=True)
class _Read:
    """A line that is what it must be by itself."""

    number: int
    raw: Raw
    line: Line


def _read(lines: Lines, *, schema: int, on_progress: Callable[[int], None]) -> Iterator[_Read]:
    """The rows of an archive, once its header was found good; its end is looked at last."""
    digest, number, position, ended = sha256(), 0, 0, False
    for text in lines:
        number += 1
        position += len(text)
        if ended:
            raise _malformed(number, "stands behind the end")
        one = _parse(text, number)
        if isinstance(one.line, End):
            ended = True
            _check_end(one.line, number=number, sha256=digest.hexdigest())
        elif number == 1:
            _check_header(one.line, schema=schema)
        else:
            yield one
        digest.update(text)
        if not number % _REPORTED:
            on_progress(position)
    if number == 0:
        raise _no_archive()
    if not ended:
        raise _malformed(number + 1, "is missing: the archive was cut off")
    on_progress(position)


def _parse(text: bytes, number: int) -> _Read:
    try:
        raw = json.loads(text, parse_constant=_refuse_constant)
        if number == 1 and not (isinstance(raw, dict) and raw.get("format") == FORMAT):
            raise _no_archive()
        if number == 1 and raw.get("version") != VERSION:  # its header may be another one
            raise _other_version(raw.get("version"))
        line = LINE.validate_python(raw)
        if isinstance(line, AnimaLine | ActionLine | PlanLine):
            line.check()
    except PydanticValidationError as error:
        raise _malformed(number, _fault(error)) from None
    except (ValueError, RecursionError):  # a JSONDecodeError or a UnicodeDecodeError as well
        if number == 1:
            raise _no_archive() from None
        raise _malformed(number, "is not JSON") from None
    return _Read(number, raw, line)


def _fault(error: PydanticValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"].startswith("union_tag"):
        return "is of no kind that an archive has"
    if first["type"] in ("model_type", "dict_type", "model_attributes_type") and not first["loc"]:
        return "is no JSON object"
    kind, *place = first["loc"] or ("row",)
    name = ".".join(str(step) for step in place) or str(kind)
    verb = {"missing": "is missing", "extra_forbidden": "is unknown"}.get(first["type"], "is wrong")
    return f"is no {kind} of an archive: `{name}` {verb}"


def _check_end(end: End, *, number: int, sha256: str) -> None:
    if (end.rows, end.sha256) != (number - 2, sha256):
        raise _malformed(number, "has another sum than the lines before it: they were changed")


def _check_header(header: Line, *, schema: int) -> None:
    if not isinstance(header, Header):
        raise _no_archive()
    if header.schema_ > schema:
        raise ValidationError(
            f"The archive was made by {header.made_by}, which is newer than this program (schema"
            f" {header.schema_}, this one knows {schema}); nothing was imported.",
            hint="Update elephantasm-mcp.",
        )


def _no_archive() -> ValidationError:
    return ValidationError(
        "The file is no archive: its first line is not the header of one; nothing was imported.",
        hint="`elephantasm-mcp export FILE` makes archives; `import --help` names other formats.",
    )


def _other_version(found: object) -> ValidationError:
    what = f"version {found}" if isinstance(found, int) else "no version"
    return ValidationError(
        f"The archive has {what} of the format, and this program reads version {VERSION}; nothing"
        " was imported.",
        hint="Update elephantasm-mcp, or export with the version that is installed here.",
    )


def _malformed(number: int, what: str) -> ValidationError:
    return ValidationError(
        f"Line {number} of the archive {what}; nothing was imported.",
        hint="Export it again; an archive is not meant to be edited.",
    )


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


class _Intake:
    """One archive on its way in."""

    def __init__(self, tx: Tx, user: User) -> None:
        self._tx = tx
        self._user = user
        self._report = TakenIn()
        self._current: _Current | None = None
        self._grown: list[Place] = []
        """Animas that got rows."""

    def take(self, lines: Iterator[_Read]) -> TakenIn:
        """Take all of it in, and say what that came to."""
        for one in lines:
            self._take(one)
        self._finish()
        for place in self._grown:  # once it is known that all lines are those that were written
            _check_rows(self._tx, place)
        return self._report

    def _take(self, one: _Read) -> None:
        match one.line:
            case AnimaLine():
                self._finish()
                self._current = self._anima(one)
            case GrantLine():
                self._finish()
                self._grant(one)
            case Header() | End():
                raise _malformed(one.number, "stands in a wrong place")
            case Part():
                self._row(one)
            case _:
                assert_never(one.line)

    def _anima(self, one: _Read) -> "_Current":
        raw, found = one.raw, store.find(self._tx, one.raw["id"])
        if raw["name"] != one_line(raw["name"]):
            raise _malformed(one.number, "gives its anima a name that none can have")
        if found is None:
            if not store.add_anima(self._tx, raw, user_no=self._user.no):
                raise ConflictError(
                    f"There is another anima called {raw['name']}; nothing was imported.",
                    hint="Import into another database (`--database`), or delete that anima first.",
                )
            self._report.animas.append(raw["name"])
            anima_no, _ = store.find(self._tx, raw["id"]) or (AnimaNo(0), None)
            place = store.place_of(self._tx, anima_no, user_no=self._user.no)
            return _Current(place, raw, None)
        anima_no, owner = found
        place = store.place_of(self._tx, anima_no, user_no=self._user.no)
        if owner != self._user.no:
            raise ConflictError(
                f"The anima {raw['name']} is another user's here; nothing was imported."
            )
        for name in _LIKE:
            if place.line[name] != raw[name]:
                raise _clash(one, f"the anima {raw['name']} has another `{name}` here")
        self._report.known_animas.append(raw["name"])
        return _Current(place, raw, _Known(self._tx, place))

    def _row(self, one: _Read) -> None:
        current, kind = self._current, one.line.kind
        if current is None:
            raise _malformed(one.number, "belongs to no anima")
        current.follow(one)
        if current.known is not None and self._is_known(one, current.known):
            self._report.known[kind] += 1
            return
        try:
            added = store.put(self._tx, current.place, kind, one.raw)
        except ValueError:  # JSON can have a lone surrogate or a number without end, text cannot
            raise _malformed(one.number, "holds what cannot be stored") from None
        if not added and current.known is not None and kind in _ANSWERED:
            self._report.known[kind] += 1
            return
        if not added:
            raise _clash(one, f"{_name(one)} is something else here, or its id is taken")
        current.has_more = True
        self._report.added[kind] += 1

    def _is_known(self, one: _Read, known: "_Known") -> bool:
        """Whether a row is there already.

        Raises:
            ConflictError: another one has its place, or it was forgotten.
        """
        kind, ours = one.line.kind, known.find(one)
        if ours is not None:
            if kind not in _COUNTS and _content(ours) != _content(one.raw):
                raise _clash(one, f"{_name(one)} is not the same here")
            return True
        if kind in ("event", "memory", "knowledge"):
            if store.is_forgotten(self._tx, known.place, kind, one.raw):
                raise _clash(one, f"{_name(one)} was forgotten here")
            if one.raw["no"] <= known.place.line[_BOUNDS[kind]]:
                store.note_return(self._tx, known.place, kind, one.raw["no"])
        return False

    def _grant(self, one: _Read) -> None:
        ours = {line["id"]: line for line in store.grants(self._tx, self._user.no)}
        if one.raw["id"] in ours:
            if ours[one.raw["id"]] != one.raw:
                raise _clash(one, "the grant is not the same here")
            self._report.known["grant"] += 1
        elif store.put_grant(self._tx, one.raw, user_no=self._user.no):
            self._report.added["grant"] += 1
        else:
            raise _clash(one, "there is another grant between its animas, or one is missing")

    def _finish(self) -> None:
        if self._current is None:
            return
        store.finish(self._tx, self._current.place, self._current.line)
        if self._current.has_more:
            self._grown.append(self._current.place)
        self._current = None


class _Current:
    """The anima whose rows come in."""

    def __init__(self, place: Place, line: Raw, known: "_Known | None") -> None:
        self.place = place
        self.line = line
        self.known = known
        self.has_more = False
        """Whether a row was added."""
        self._last: tuple[int, Key] = (-1, ())

    def follow(self, one: _Read) -> None:
        """Know that this row came; raises ValidationError when it should have come before."""
        kind = one.line.kind
        place = (_RANKS[kind], store.key_of(kind, one.raw))
        if place <= self._last:
            raise _malformed(one.number, "is out of order, or there twice")
        if any(number > self.line[f"{layer}_seq"] for layer, number in _numbers(one)):
            raise _malformed(one.number, "has a number that its anima never gave out")
        if kind == "action" and one.raw["position"] > self.line["action_seq"]:
            raise _malformed(one.number, "has a place that its anima's journal never had")
        self._last = place


_RANKS: Final = {kind: rank for rank, kind in enumerate(KINDS)}


class _Known:
    """The rows that an anima has here, walked through beside those of the archive."""

    def __init__(self, tx: Tx, place: Place) -> None:
        self.place = place
        self._tx = tx
        self._kind = ""
        self._lines: Iterator[Raw] = iter(())
        self._next: Raw | None = None

    def find(self, one: _Read) -> Raw | None:
        """The row in the place of this one; rows are asked for in their order."""
        kind, key = one.line.kind, store.key_of(one.line.kind, one.raw)
        if kind != self._kind:
            self._kind, self._lines = kind, store.lines_of(self._tx, self.place, kind)
            self._next = next(self._lines, None)
        while self._next is not None and store.key_of(kind, self._next) < key:
            self._next = next(self._lines, None)
        found = self._next is not None and store.key_of(kind, self._next) == key
        return self._next if found else None


def _numbers(one: _Read) -> Iterator[tuple[str, int]]:
    """The rows that a line is, was or consumed, by layer: nothing else may get their numbers."""
    match one.line:
        case ActionLine(layer=layer, no=number) | ForgottenLine(layer=layer, no=number):
            yield layer, number
        case ConsumptionLine(event=number) | UnmadeLine(event=number):
            yield "event", number
        case Part(kind=kind) if kind in _BOUNDS:
            yield kind, one.raw["no"]
        case _:
            pass


def _check_rows(tx: Tx, place: Place) -> None:
    """Refuse rows that do not agree with each other.

    Raises:
        ValidationError: some do not.
    """
    found = soundness.examine_rows(tx, place.anima_no)
    if found:
        raise ValidationError(
            f"The archive does not agree with itself; nothing was imported. {found[0].text}",
            hint="Export it again; `elephantasm-mcp doctor` says whether what it is of is sound.",
        )


def _content(line: Raw) -> Raw:
    """What must be the same in two rows of one place: derived values need not be."""
    return {name: value for name, value in line.items() if name not in _UNDERIVED}


def _name(one: _Read) -> str:
    return store.name_of(one.line.kind, one.raw)


def _clash(one: _Read, what: str) -> ElephantasmError:
    return ConflictError(
        f"Line {one.number} of the archive: {what}; nothing was imported.",
        hint="Import it into another database (`--database`), or delete the anima here first.",
    )
