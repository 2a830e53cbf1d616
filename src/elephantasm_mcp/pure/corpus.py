"""The corpus: all rows of one anima that can be found, as arrays for ranking.

Owns the words, places and vectors of rows in memory; not where they come from (`store/cache.py`)
nor what they are worth (`ranking.py`). Invariant: a `Corpus` never changes once it was handed out,
and nothing computed from it depends on the order in which its rows arrived.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from elephantasm_mcp.pure.column import Column
from elephantasm_mcp.pure.labels import MONTHS, day
from elephantasm_mcp.pure.lexicon import Lexicon
from elephantasm_mcp.pure.matrix import GrowingMatrix, Matrix
from elephantasm_mcp.pure.postings import Postings
from elephantasm_mcp.pure.segments import Segment
from elephantasm_mcp.pure.text import stem, words
from elephantasm_mcp.pure.vectors import Int8Matrix

HEAD_CHARS: Final = 200
"""How much of a neighbouring turn counts as context of an event (recall.md)."""
MAX_TEXT_CHARS: Final = 100_000
"""How much of a row's words take part."""

OWN_WEIGHT: Final = 1.5
AROUND_WEIGHT: Final = 0.5
SECOND_WEIGHT: Final = 0.5
"""What a word counts in a turn and in the heads of its neighbours, in its header 1 (recall.md); and
what the second neighbours count beside the first."""

EVENT, MEMORY, KNOWLEDGE = LAYERS = 0, 1, 2

IS_USER, ASKS, TELLS_TIME, HAS_NUMBER = 1, 2, 4, 8
HAS_PLACE, TELLS_FACT, OF_SELF, OF_YOU = 16, 32, 64, 128
"""Bits of `Corpus.flags`: what can be seen of a row without a question."""
MOST_NAMES: Final = 4
USERS: Final = frozenset({"user", "human"})
"""Names of authors that stand for the user of a chat."""
NEVER: Final = np.iinfo(np.int64).min
"""The time of a row that has none."""
MOST_RUNS: Final = 64
"""Runs of rows without a vector that are looked up one by one."""

_SURE_MONTH: Final = "|".join(month for month in MONTHS if month != "May")
_WEEKDAY: Final = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_TIME: Final = re.compile(
    rf"\b(?:yesterday|today|tonight|tomorrow|ago|since|recently|lately|{_SURE_MONTH}|{_WEEKDAY}"
    r"|(?:last|next|this|past|coming) (?:week|month|year|night|weekend|summer|winter|spring|fall"
    rf"|autumn|few|{_WEEKDAY}|may)|(?:in|on|of|early|late|mid|since|until|by) may|may \d"
    r"|(?:19|20)\d\d|\d+(?:st|nd|rd|th)|first|second|third)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty"
    r"|fifty|hundred|thousand|once|twice|couple|several)\b",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(r"\b(?:in|at|to|from|near|around|visit(?:ed|ing)?) (?:the )?[A-Z][a-z]+")
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+|[\"“]")
_FACT: Final = re.compile(
    r"\b(?:I|[Ww]e|[Mm]y \w+|[Oo]ur \w+)(?:'ve| have|'m| am|'d| had)?"
    r"(?: (?:just|also|recently|even|really|finally)){0,3} "
    r"(?!think|know|hope|guess|bet|agree|love|feel|can|could|would|will|wish|appreciate|understand"
    r"|see|hear|believe)"
    r"(?:\w+(?:ed|ing)|went|got|made|did|took|saw|found|had|have|bought|met|read|wrote|won|lost"
    r"|began|started|been|joined|gave|came|left|ran|built|taught|felt|kept|has|was|were|am)\b"
)
_SELF: Final = re.compile(r"\b(?:I|my|we|our|me)\b")
_YOU: Final = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
_ASKS: Final = re.compile(r"[?？][\s\"'”’)]*$")
_ASIDE: Final = re.compile(r"(?<!\s)\s*\([^()]*\)\s*$")
"""What stands in parentheses at the end: often the description of a picture."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: what is multiplied by it spreads (Knuth)."""

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One row as it enters a corpus. Times are microseconds since 1970."""

    id: int
    layer: int
    text: str
    author: str | None = None
    session: str | None = None
    start: int | None = None
    end: int | None = None
    day: int = 0
    """The ordinal of the day it was said on (UTC); 0 for what is not an event."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The rows of an anima in arrays of length n; tokens in one array, row after row.

    A row's tokens are its own words, then those of its header (date and author); `own` says how
    many are its own, `head` how many of them stand in its first `HEAD_CHARS` characters.
    """

    ids: NDArray[np.int64]
    layers: NDArray[np.uint8]
    authors: Ints
    sessions: Ints
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    days: Ints
    flags: NDArray[np.uint8]
    names: NDArray[np.uint8]
    """How many names and quotations it has, at most `MOST_NAMES`."""
    begin: NDArray[np.int64]
    """Where each row's tokens begin; one more for the end of the last."""
    own: Ints
    head: Ints
    distinct: Ints
    """How many different stems its own words have."""
    means: Mapping[str, Floats]
    """Of `bulk`, `bulk_wide` and `spread` by layer, before they are divided by it."""
    tokens: Ints
    row_of_token: Ints
    previous: Ints
    """The row before it in its session, or −1."""
    following: Ints
    before_previous: Ints
    after_following: Ints
    vectors: Mapping[str, Matrix]
    """By model."""
    hidden: NDArray[np.bool_]
    """Superseded or archived."""
    lexicon: Lexicon
    postings: Postings
    author_names: Mapping[str, int]
    session_names: Mapping[str | None, int]
    worked_out: dict[str, NDArray[Any]] = field(default_factory=dict, init=False)
    """What was worked out of all rows, when it was first asked for."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size_bytes(self) -> int:
        """What it needs in memory, about."""
        shared = sum(getattr(self, name).nbytes for name in _SHARED)
        vectors = sum(one.size_bytes for one in self.vectors.values())
        return shared + vectors + self.lexicon.size_bytes + self.own_bytes

    @property
    def own_bytes(self) -> int:
        """What no other corpus of the same builder shares with it."""
        lengths = sum(one.lengths.nbytes for one in self.vectors.values())
        return sum(getattr(self, name).nbytes for name in _OWN) + lengths

    def bulk(self, places: Places) -> Floats:
        """The lengths of rows, their headers and the heads of their neighbours weighed in.

        Over the mean of their layer, as the other two.
        """
        return self._kept("bulk", self._all_bulk)[places]

    def bulk_wide(self, places: Places) -> Floats:
        """The same of their own words and the heads of two neighbours on each side."""
        own, _, around, second = self._lengths(places)
        return self._over_mean("bulk_wide", own + around + SECOND_WEIGHT * second, places)

    def spread(self, places: Places) -> Floats:
        """How many different stems their own words have."""
        return self._over_mean("spread", self.distinct[places], places)

    def looks(self, places: Places) -> NDArray[np.uint64]:
        """A number for each row that is the same for equal texts, and seldom for others.

        From its length and three of its words.
        """
        if not len(self.tokens):
            return np.zeros(len(places), dtype=np.uint64)
        own, begin = self.own[places], self.begin[places]
        look = own.astype(np.uint64)
        for offset in (own // 4, own // 2, own - 1):
            token = self.tokens.take(begin + np.maximum(offset, 0), mode="clip")
            look = look * _MIX + np.where(own > 0, token, 0).astype(np.uint64)
        return look

    def _kept(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        if name not in self.worked_out:
            self.worked_out[name] = make()
        return self.worked_out[name]

    def _all_bulk(self) -> Floats:
        places = np.arange(len(self))
        own, header, around, _ = self._lengths(places)
        return self._over_mean("bulk", OWN_WEIGHT * own + header + AROUND_WEIGHT * around, places)

    def _lengths(self, places: Places) -> tuple[NDArray[Any], ...]:
        """Of own words, headers, the heads of the neighbours, and those of the second ones."""
        own = self.own[places]
        header = self.begin[places + 1] - self.begin[places] - own
        previous, following, before, after = (
            np.where(step[places] >= 0, self.head[step[places]], 0)
            for step in (
                self.previous,
                self.following,
                self.before_previous,
                self.after_following,
            )
        )
        return own, header, previous + following, before + after

    def _over_mean(self, kind: str, values: NDArray[Any], places: Places) -> Floats:
        return values / np.maximum(self.means[kind], 1.0)[self.layers[places]]


_SHARED: Final = (
    *("ids", "layers", "authors", "sessions", "starts", "ends", "days", "flags", "names"),
    *("begin", "own", "head", "distinct", "tokens", "row_of_token"),
)
_OWN: Final = ("hidden", "previous", "following", "before_previous", "after_following")


class CorpusBuilder:
    """Grows a corpus. Not safe from several threads; the corpora that it hands out are."""

    def __init__(self, models: Mapping[str, int]) -> None:
        self.models = dict(models)
        self._columns = {
            "ids": Column("i8"),
            "layers": Column("u1"),
            "authors": Column("i4"),
            "sessions": Column("i4"),
            "starts": Column("i8"),
            "ends": Column("i8"),
            "days": Column("i4"),
            "flags": Column("u1"),
            "names": Column("u1"),
            "begin": Column("i8"),
            "own": Column("i4"),
            "head": Column("i4"),
            "distinct": Column("i4"),
            "tokens": Column("i4"),
            "row_of_token": Column("i4"),
        }
        self._columns["begin"].add([0])
        self._matrices = {model: GrowingMatrix(width) for model, width in self.models.items()}
        self._previous: Ints = np.zeros(0, dtype=np.int32)
        self._following: Ints = np.zeros(0, dtype=np.int32)
        self._linked = True
        self._lexicon = Lexicon()
        self._postings = Postings()
        self._authors: dict[str, int] = {}
        self._sessions: dict[str | None, int] = {}
        self._last: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._columns["ids"])

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, about; without what is a corpus's own."""
        parts = (self._lexicon, self._postings)
        held = (*self._columns.values(), *self._matrices.values(), *parts)
        return sum(one.size_bytes for one in held)

    def last_id(self, layer: int) -> int:
        """The highest row id of a layer; −1 without rows."""
        mine = self._columns["layers"].view() == layer
        return int(self._columns["ids"].view().max(where=mine, initial=-1))

    def add(self, rows: Sequence[CorpusRow]) -> None:
        """Add rows, without vectors."""
        first = len(self)
        self._add_words(rows)
        columns = self._columns
        columns["ids"].add([row.id for row in rows])
        columns["layers"].add([row.layer for row in rows])
        columns["authors"].add([_code(self._authors, row.author or "") for row in rows])
        columns["sessions"].add([_code(self._sessions, row.session) for row in rows])
        columns["starts"].add([NEVER if row.start is None else row.start for row in rows])
        columns["ends"].add([NEVER if row.end is None else row.end for row in rows])
        columns["days"].add([row.day for row in rows])
        texts = [row.text[:MAX_TEXT_CHARS] for row in rows]
        bodies = [_ASIDE.sub("", text) for text in texts]
        columns["flags"].add(list(map(_flags, rows, texts, bodies)))
        columns["names"].add([_names_in(body) for body in bodies])
        for matrix in self._matrices.values():
            matrix.add(len(rows))
        self._link(first)

    def remove(self, places: Places) -> None:
        """Take out the rows at these places, ascending; their words keep their numbers.

        The corpora that were handed out keep them.
        """
        if not len(places):
            return
        begin = self._columns["begin"].view()
        sizes = np.delete(np.diff(begin), places)
        gone = begin[places], begin[places + 1]
        for name, column in self._columns.items():
            if name == "tokens":
                column.cut(*gone)
            elif name not in ("begin", "row_of_token"):
                column.cut(places, places + 1)
        self._set_sizes(sizes)
        for matrix in self._matrices.values():
            matrix.remove(places)
        self._postings = Postings()
        self._linked = False

    def load(
        self,
        segments: Sequence[Segment],
        vectors: Mapping[str, Sequence[tuple[Int8Matrix, NDArray[np.float32]]]],
        signs: Mapping[str, Sequence[NDArray[np.uint64]]] | None = None,
    ) -> None:
        """Take a chain of segments into an empty builder, and the vectors of its rows by model.

        `vectors` have the rows of one segment each, with their lengths, infinite where there is
        none; `signs` what `signs.signs_of` gave of them. A model may be missing in both.
        """
        for name, column in self._columns.items():
            if name not in ("begin", "tokens", "row_of_token"):
                column.fill([segment.columns[name] for segment in segments])
        sizes = np.concatenate([segment.columns["sizes"] for segment in segments])
        self._columns["tokens"].fill([segment.tokens for segment in segments])
        self._set_sizes(sizes)
        self._lexicon.load(
            [word for segment in segments for word in segment.words],
            np.concatenate([segment.hashes for segment in segments], axis=1),
        )
        authors = [name for segment in segments for name in segment.authors]
        sessions = [name for segment in segments for name in segment.sessions]
        self._authors = {name: code for code, name in enumerate(authors)}
        self._sessions = {name: code for code, name in enumerate(sessions)}
        for model, matrix in self._matrices.items():
            if model in vectors:
                parts, lengths = zip(*vectors[model], strict=True)
                matrix.load(parts, lengths, (signs or {}).get(model, ()))
            else:
                matrix.add(len(sizes))
        self._linked = False

    def segment(self, first: int, last: int, *, after: Sequence[Segment] = ()) -> Segment:
        """The rows of these places as the next segment of a chain, behind those of `after`.

        With them the chain was loaded, or it begins here. What only rows had that were removed is
        not in it: neither a word nor a name.
        """
        columns = {name: column.view() for name, column in self._columns.items()}
        begin, end = columns["begin"][[first, last]]
        by_row = {
            name: columns[name][first:last]
            for name in columns
            if name not in ("begin", "tokens", "row_of_token")
        }
        tokens, fresh = _renumbered(columns["tokens"][begin:end], sum(len(s.words) for s in after))
        authors, new_authors = _renumbered(by_row["authors"], sum(len(s.authors) for s in after))
        sessions, new_sessions = _renumbered(
            by_row["sessions"], sum(len(s.sessions) for s in after)
        )
        author_names, session_names = list(self._authors), list(self._sessions)
        sizes = np.diff(columns["begin"][first : last + 1])
        return Segment(
            columns={**by_row, "sizes": sizes, "authors": authors, "sessions": sessions},
            tokens=tokens,
            words=[self._lexicon.words[number] for number in fresh],
            hashes=self._lexicon.hashes(fresh),
            authors=[author_names[code] for code in new_authors],
            sessions=[session_names[code] for code in new_sessions],
        )

    def set_vectors(self, model: str, layer: int, ids: Sequence[int], stored: Int8Matrix) -> None:
        """Fill in the vectors of rows; those that the corpus does not hold are passed over."""
        places, known = self._places(layer, ids)
        if len(places):
            self._matrices[model].put(places, stored[known])

    def without_vector(self, model: str, layer: int) -> list[tuple[int, int]]:
        """The rows of a layer that have no vector under a model: the first and last ids of runs.

        Very many runs are one, in which some have theirs.
        """
        mine = self._columns["layers"].view() == layer
        missing = self._matrices[model].missing[mine]
        if not missing.any():
            return []
        ids = self._columns["ids"].view()[mine]
        order = np.argsort(ids, kind="stable")
        edges = np.diff(missing[order].astype(np.int8), prepend=0, append=0)
        first, last = ids[order[edges[:-1] > 0]], ids[order[edges[1:] < 0]]
        if len(first) > MOST_RUNS:
            return [(int(first[0]), int(last[-1]))]
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def corpus(self, hidden: Iterable[tuple[int, int]] = ()) -> Corpus:
        """What was added so far; `hidden` names rows by layer and id."""
        if not self._linked:
            self._link_all()
        arrays = {name: column.view() for name, column in self._columns.items()}
        beyond = _beyond(self._previous), _beyond(self._following)
        return Corpus(
            **arrays,
            means=self._means(*beyond),
            previous=self._previous,
            following=self._following,
            before_previous=beyond[0],
            after_following=beyond[1],
            vectors={model: matrix.matrix() for model, matrix in self._matrices.items()},
            hidden=self._mask(hidden),
            lexicon=self._lexicon,
            postings=self._postings,
            author_names=self._authors_told(),
            session_names=self._sessions,
        )

    def places(self, named: Iterable[tuple[int, int]]) -> Places:
        """Where those of these rows stand that it holds, ascending."""
        return np.flatnonzero(self._mask(named))

    def _authors_told(self) -> dict[str, int]:
        """The authors who still have a row."""
        told = np.bincount(self._columns["authors"].view(), minlength=len(self._authors)) > 0
        return {name: code for name, code in self._authors.items() if told[code]}

    def _set_sizes(self, sizes: NDArray[np.integer[Any]]) -> None:
        """Say how many tokens each row has."""
        rows = np.arange(len(sizes), dtype=np.int32)
        self._columns["begin"].fill([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        self._columns["row_of_token"].fill([np.repeat(rows, sizes)])

    def _places(
        self, layer: int, ids: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where those of the rows of a layer stand that are known, and a mask of which they are."""
        mine = np.flatnonzero(self._columns["layers"].view() == layer)
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(mine):
            return mine, np.zeros(len(wanted), dtype=np.bool_)
        held = self._columns["ids"].view()[mine]
        order = np.argsort(held, kind="stable")  # nearly sorted: no more than a look at each
        near = order[np.minimum(np.searchsorted(held, wanted, sorter=order), len(mine) - 1)]
        known = held[near] == wanted
        return mine[near[known]], known

    def _mask(self, named: Iterable[tuple[int, int]]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self), dtype=np.bool_)
        ids: dict[int, list[int]] = {}
        for layer, id_ in named:
            ids.setdefault(layer, []).append(id_)
        for layer, some in ids.items():
            mask[self._places(layer, some)[0]] = True
        return mask

    def _means(self, before_previous: Ints, after_following: Ints) -> dict[str, Floats]:
        """By layer. A head counts once for each row that it stands beside."""
        columns = {name: column.view() for name, column in self._columns.items()}
        layers = columns["layers"]
        rows = np.maximum(np.bincount(layers, minlength=3), 1)

        def mean(values: NDArray[Any]) -> Floats:
            return np.bincount(layers, weights=values, minlength=3) / rows

        beside = (self._previous >= 0).view(np.int8) + (self._following >= 0)
        second = (before_previous >= 0).view(np.int8) + (after_following >= 0)
        own, header = columns["own"], np.diff(columns["begin"]) - columns["own"]
        head = columns["head"]
        return {
            "bulk": mean(OWN_WEIGHT * own + header + AROUND_WEIGHT * head * beside),
            "bulk_wide": mean(own + head * beside + SECOND_WEIGHT * head * second),
            "spread": mean(columns["distinct"]),
        }

    def _add_words(self, rows: Sequence[CorpusRow]) -> None:
        texts = [row.text[:MAX_TEXT_CHARS] for row in rows]
        own = [words(text) for text in texts]
        headers = [
            words(f"{row.author} {_day(row.day)}") if row.layer == EVENT else [] for row in rows
        ]
        sizes = [len(found) + len(header) for found, header in zip(own, headers, strict=True)]
        tokens = self._lexicon.number(
            [word for pair in zip(own, headers, strict=True) for part in pair for word in part]
        )
        columns, first = self._columns, len(self)
        columns["own"].add(list(map(len, own)))
        columns["head"].add(list(map(_words_in_head, texts, map(len, own))))
        columns["distinct"].add([len(set(map(stem, found))) for found in own])
        columns["begin"].add(len(columns["tokens"]) + np.cumsum(sizes, dtype=np.int64))
        columns["tokens"].add(tokens)
        columns["row_of_token"].add(np.repeat(np.arange(first, first + len(rows)), sizes))

    def _link(self, first: int) -> None:
        """Join the new events to their sessions; one that comes late has all joined anew."""
        if not self._linked:
            return
        count = len(self) - first
        fresh = np.full(count, -1, dtype=np.int32)
        self._previous = np.concatenate([self._previous, fresh])
        self._following = np.concatenate([self._following, fresh])
        ids, starts = self._columns["ids"].view(), self._columns["starts"].view()
        sessions, layers = self._columns["sessions"].view(), self._columns["layers"].view()
        for row in range(first, len(self)):
            if layers[row] != EVENT:
                continue
            session = int(sessions[row])
            last = self._last.get(session)
            if last is not None:
                if (starts[row], ids[row]) < (starts[last], ids[last]):
                    self._linked = False
                    return
                self._previous[row] = last
                self._following[last] = row
            self._last[session] = row

    def _link_all(self) -> None:
        columns = {name: self._columns[name].view() for name in ("ids", "starts", "sessions")}
        events = np.flatnonzero(self._columns["layers"].view() == EVENT)
        order = events[np.lexsort([columns[name][events] for name in columns])]
        same = columns["sessions"][order[1:]] == columns["sessions"][order[:-1]]
        self._previous = np.full(len(self), -1, dtype=np.int32)
        self._following = np.full(len(self), -1, dtype=np.int32)
        self._previous[order[1:][same]] = order[:-1][same]
        self._following[order[:-1][same]] = order[1:][same]
        last = order[np.append(~same, np.ones(len(order[:1]), dtype=np.bool_))]
        self._last = dict(zip(columns["sessions"][last].tolist(), last.tolist(), strict=True))
        self._linked = True


def _code(codes: dict[str, int] | dict[str | None, int], name: str | None) -> int:
    return codes.setdefault(name, len(codes))  # type: ignore[arg-type]


def _renumbered(numbers: Ints, known: int) -> tuple[Ints, list[int]]:
    """Numbers whose first `known` stay; the others follow on these in the order of first use.

    With them, what each of the others was.
    """
    is_fresh = numbers >= known
    fresh, first, place = np.unique(numbers[is_fresh], return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    found = numbers.copy()
    found[is_fresh] = known + rank[place]
    return found, fresh[order].tolist()


def _beyond(near: Ints) -> Ints:
    """The neighbour of each neighbour; −1 where there is none."""
    found: Ints = np.append(near, np.int32(-1))[near]
    return found


def _words_in_head(text: str, own: int) -> int:
    """How many words stand whole in the first `HEAD_CHARS` characters."""
    if len(text) <= HEAD_CHARS:
        return own
    whole = len(words(text[:HEAD_CHARS]))
    return whole - (text[HEAD_CHARS - 1].isalnum() and text[HEAD_CHARS].isalnum())


def _flags(row: CorpusRow, text: str, body: str) -> int:
    return (
        IS_USER * ((row.author or "").casefold() in USERS)
        + ASKS * (_ASKS.search(body[-80:]) is not None)
        + TELLS_TIME * (_TIME.search(text) is not None)
        + HAS_NUMBER * (_NUMBER.search(text) is not None)
        + HAS_PLACE * (_PLACE.search(text) is not None)
        + TELLS_FACT * (_FACT.search(body) is not None)
        + OF_SELF * (_SELF.search(text) is not None)
        + OF_YOU * (_YOU.search(text) is not None)
    )


def _names_in(text: str) -> int:
    """How many names and quotations it has, at most `MOST_NAMES`."""
    return sum(1 for _ in islice(_NAME.finditer(text), MOST_NAMES))


def _day(ordinal: int) -> str:
    return day(datetime.fromordinal(ordinal)) if ordinal else ""
