"""Tidying: what can be put in order without understanding.

Owns the safe part of deep sleep, by rules: what says the same is merged, what a newer truth plainly
ends is superseded, what contradicts and is not plainly newer is asked, what is weak leaves recall.
Invariant: no word is changed; what stays stays as it reads, and what differs in a number, a name, a
negation, an owner or a tense is never merged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from elephantasm_mcp.memory.survey import WEAK_CONFIDENCE, Survey, SurveyRow, is_weak
from elephantasm_mcp.pure import truths
from elephantasm_mcp.pure.truths import Saying, Truth
from elephantasm_mcp.pure.wordings import SAID_ON
from elephantasm_mcp.store.values import from_micros
from elephantasm_mcp.types.operations import Archive, Conflict, Merge, Operation, Supersede
from elephantasm_mcp.types.records import Trust

PLAINLY_NEWER: Final = timedelta(hours=1) // timedelta(microseconds=1)
"""What was said this long after another is plainly newer, in microseconds."""
MOST_STATEMENTS: Final = 12
"""A memory of more statements repeats no other as a whole."""
_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)
_LARGEST_BUCKET: Final = 50
_SHOWN_CHARS: Final = 110


@dataclass(frozen=True, slots=True)
class _Told:
    """A row and what it says."""

    row: SurveyRow
    truths: tuple[Truth, ...]
    """Of knowledge only: what becomes of a memory hangs on its keys alone."""
    keys: frozenset[str]
    """One for each thing it says: the same in every row that says the same."""


_MOST_WORDINGS: Final = 8
"""So many ways to say one thing are compared with the next; more would cost their square."""


class _Sayings:
    """What was said so far, each thing once."""

    __slots__ = ("_found", "_read")

    def __init__(self) -> None:
        self._read: dict[tuple[str, str, int], str] = {}
        self._found: dict[str, list[list[Saying]]] = defaultdict(list)

    def key(self, one: Saying) -> str:
        """Equal for what says the same; empty for what says nothing.

        What says the same as one of several says it as all of them: "i love turkey", typed small,
        brings "Turkey" and "turkey" not together.
        """
        if not one.key:
            return ""
        alike = self._found[one.key]
        place = next(
            (at for at, had in enumerate(alike) if all(truths.same(one, each) for each in had)),
            len(alike),
        )
        if place == len(alike):
            alike.append([one])
        elif len(alike[place]) < _MOST_WORDINGS and one not in alike[place]:
            alike[place].append(one)
        return f"{one.key}#{place}"

    def learn(self, truth: Truth, text: str, *, day: int) -> str:
        """The key of what was read whole; a memory that says it too need not be read again."""
        return self._read.setdefault((truth.speaker, text, day), self.key(truth.saying))

    def key_of(self, text: str, *, speaker: str, day: int) -> str:
        """The key of what is only compared."""
        known = self._read.get((speaker, text, day))
        if known is not None:
            return known
        return self.key(truths.saying(text, speaker=speaker, day=day))


def tidy(survey: Survey) -> list[Operation]:
    """What the rules propose: merges first, then what holds no longer, questions, what is weak."""
    sayings = _Sayings()
    knowledge = list(_told(survey.knowledge, sayings))
    memories = list(_recounted(survey.memories, sayings))
    merges = [*_repeated_memories(memories), *_repeated_knowledge(knowledge, sayings)]
    gone = {handle for merge in merges for handle in merge.others}
    left = [one for one in knowledge if one.row.handle not in gone]
    known = {frozenset((one.first, one.second)) for one in survey.conflicts}
    found = {(one.row.handle, two.row.handle): (one, two) for one, two in _in_question(left)}
    pairs = list(found.values())
    ended = list(_ended(pairs))
    ending = {one.older for one in ended}
    asked = [
        _question(first.row, second.row)
        for first, second in {
            (one.row.handle, two.row.handle): (one, two)
            for one, two in (*_contradictions(pairs), *_denials(left, sayings))
        }.values()
        if frozenset((first.row.id, second.row.id)) not in known
        and ending.isdisjoint((first.row.handle, second.row.handle))
    ]
    weak = [
        Archive(target=row.handle, reasoning=_why_weak(row))
        for row in survey.rows
        if is_weak(row) and not row.pinned and row.handle not in gone | ending
    ]
    return [*merges, *ended, *asked, *weak]


def _told(rows: Iterable[SurveyRow], sayings: _Sayings) -> Iterator[_Told]:
    for row, said in _said(rows):
        day = row.at // _DAY
        read = [truths.read(text, speaker=speaker, day=day) for speaker, text in said]
        keys = [
            sayings.learn(one, text, day=day) for one, (_, text) in zip(read, said, strict=True)
        ]
        kept = tuple(truth for truth in read if truth.saying.key)
        yield _Told(row, kept, frozenset(filter(None, keys)))


def _recounted(rows: Iterable[SurveyRow], sayings: _Sayings) -> Iterator[_Told]:
    for row, said in _said(rows):
        day = row.at // _DAY
        keys = (sayings.key_of(text, speaker=speaker, day=day) for speaker, text in said)
        yield _Told(row, (), frozenset(filter(None, keys)))


def _said(rows: Iterable[SurveyRow]) -> Iterator[tuple[SurveyRow, list[tuple[str, str]]]]:
    for row in rows:
        said = truths.statements(row.text)
        if len(said) <= MOST_STATEMENTS:
            yield row, said


# What says the same


def _repeated_memories(told: Sequence[_Told]) -> Iterator[Merge]:
    """Memories all of whose statements another one has too; the fullest stays."""
    having: dict[tuple[str, Trust], list[_Told]] = defaultdict(list)
    for one in told:
        for key in one.keys:
            having[key, one.row.trust].append(one)
    into: dict[str, list[SurveyRow]] = defaultdict(list)
    gone: set[str] = set()
    for one in sorted(told, key=lambda each: (_standing(each), -each.row.id)):
        if not one.keys or one.row.pinned:
            continue
        rarest = min((having[key, one.row.trust] for key in one.keys), key=len)
        fuller = [
            other
            for other in rarest
            if other is not one and other.row.handle not in gone and one.keys <= other.keys
        ]
        if fuller:
            keep = max(fuller, key=lambda each: (_standing(each), -each.row.id))
            gone.add(one.row.handle)
            into[keep.row.handle] += [one.row, *into.pop(one.row.handle, [])]
    for keep_handle, rows in into.items():
        yield _merge(keep_handle, rows)


def _standing(one: _Told) -> tuple[bool, int, int]:
    """Which of several that say the same stays: pinned, fuller, longer."""
    return one.row.pinned, len(one.keys), len(one.row.content)


def _repeated_knowledge(told: Sequence[_Told], sayings: _Sayings) -> Iterator[Merge]:
    """Knowledge that says the same, unless something between the two said otherwise."""
    otherwise = _said_otherwise(told, sayings)
    groups: dict[tuple[object, ...], list[_Told]] = defaultdict(list)
    for one in told:
        if one.keys:
            groups[(*sorted(one.keys), one.row.trust)].append(one)
    for group in groups.values():
        group.sort(key=lambda each: (each.row.at, each.row.id))
        run = [group[0]]
        for one in group[1:]:
            between = (run[-1].row.at, one.row.at)
            if any(between[0] < at < between[1] for at in _times(one, otherwise)):
                yield from _merged_run(tuple(run))
                run.clear()
            run.append(one)
        yield from _merged_run(run)


def _said_otherwise(
    told: Sequence[_Told], sayings: _Sayings
) -> dict[object, list[tuple[str, int]]]:
    """When what was said of a slot, or that something has ended: by slot or key."""
    found: dict[object, list[tuple[str, int]]] = defaultdict(list)
    for one in told:
        for truth in one.truths:
            if truth.slot is not None:
                found[truth.slot.who, truth.slot.what].append((truth.slot.value, one.row.at))
            if truth.ended:
                found[sayings.key(truth.ended)].append(("", one.row.at))
    return found


def _times(one: _Told, otherwise: dict[object, list[tuple[str, int]]]) -> Iterator[int]:
    """When something else was said than what this row says."""
    for truth in one.truths:
        if truth.slot is not None:
            said = otherwise.get((truth.slot.who, truth.slot.what), [])
            yield from (at for value, at in said if value != truth.slot.value)
    for key in one.keys:
        yield from (at for _, at in otherwise.get(key, []))


def _merged_run(run: Sequence[_Told]) -> Iterator[Merge]:
    """The oldest stays, or the newest of what carries the day it was said on; or what is pinned."""
    if len(run) < 2:
        return
    passing = bool(SAID_ON.search(run[-1].row.text))
    pinned = [one for one in run if one.row.pinned]
    keep = pinned[0] if pinned else run[-1] if passing else run[0]
    others = [one.row for one in run if one is not keep and not one.row.pinned]
    if others:
        yield _merge(keep.row.handle, others)


def _merge(keep: str, rows: Sequence[SurveyRow]) -> Merge:
    handles = [row.handle for row in rows[:20]]
    listed = handles[0] if len(handles) == 1 else f"{', '.join(handles[:-1])} and {handles[-1]}"
    says = "says" if len(handles) == 1 else "say"
    return Merge(keep=keep, others=handles, reasoning=f"{listed} {says} the same as {keep}.")


# What holds no longer, and what may not


def _ended(pairs: Iterable[tuple[_Told, _Told]]) -> Iterator[Supersede]:
    """What a plainly newer truth ends; of several such the first one after it."""
    done: set[str] = set()
    for older, newer in pairs:
        first, second = older.row, newer.row
        if first.handle in done or first.pinned or not _is_plainly_newer(newer, older):
            continue
        if any(truths.supersedes(new, old) for new in newer.truths for old in older.truths):
            done.add(first.handle)
            yield Supersede(
                older=first.handle,
                newer=second.handle,
                reasoning=f"Said on {_day(second)}, after {first.handle}: {_shown(second)}",
            )


def _contradictions(pairs: Iterable[tuple[_Told, _Told]]) -> Iterator[tuple[_Told, _Told]]:
    """Pairs that cannot both hold, of which neither is plainly newer."""
    for older, newer in pairs:
        open_ = not _is_plainly_newer(newer, older) or older.row.pinned
        if open_ and any(truths.contradicts(a, b) for a in newer.truths for b in older.truths):
            yield older, newer


def _denials(told: Sequence[_Told], sayings: _Sayings) -> Iterator[tuple[_Told, _Told]]:
    """Pairs of which one says that the other is not so; which of them holds, no word tells."""
    saying: dict[str, _Told] = {key: one for one in reversed(told) for key in one.keys}
    for one in told:
        for truth in one.truths:
            denial = truths.denied(truth.saying)
            other = saying.get(sayings.key(denial)) if denial else None
            if other is not None and other is not one:
                older, newer = sorted((other, one), key=lambda each: (each.row.at, each.row.id))
                yield older, newer


def _in_question(told: Sequence[_Told]) -> Iterator[tuple[_Told, _Told]]:
    """Pairs that speak of the same, the older first; in the order of time."""
    in_order = sorted(told, key=lambda each: (each.row.at, each.row.id))
    wanted = {
        place
        for one in in_order
        if _may_end(one)
        for truth in one.truths
        for place in _places(truth)
    }
    buckets: dict[object, list[_Told]] = defaultdict(list)
    for one in in_order:
        for place in {place for truth in one.truths for place in _places(truth)} & wanted:
            buckets[place].append(one)
    seen: set[tuple[int, int]] = set()
    for bucket in buckets.values():
        recent = bucket[-_LARGEST_BUCKET:]
        telling = [place for place, one in enumerate(recent) if _may_end(one)]
        for place, older in enumerate(recent):
            for newer in (recent[later] for later in telling if later > place):
                if (older.row.id, newer.row.id) not in seen:
                    seen.add((older.row.id, newer.row.id))
                    yield older, newer


def _may_end(one: _Told) -> bool:
    """Whether it speaks of change, or of what there is but one of."""
    return any(
        truth.changes
        or truth.ended
        or truth.reading.cued
        or truth.parts
        or (truth.slot and (truth.slot.single or truth.slot.turned))
        for truth in one.truths
    )


def _places(truth: Truth) -> Iterator[object]:
    """Under what another truth would look for this one."""
    if truth.slot is not None:
        yield "slot", truth.slot.who, truth.slot.what
    if truth.ended:
        yield "key", truth.ended.key
    yield "key", truth.saying.key
    yield "frame", truth.tokens[:2]
    for topic in truth.reading.topics:
        yield "topic", topic


def _is_plainly_newer(newer: _Told, older: _Told) -> bool:
    """Said later, by one who is believed as much; however little later if it tells of a change."""
    second, first = newer.row, older.row
    believed = second.trust == Trust.TOLD or first.trust == Trust.REPORTED
    says_so = any(
        one.changes or one.ended for truth in newer.truths for one in (truth, *truth.parts)
    )
    return believed and second.at - first.at >= (1 if says_so else PLAINLY_NEWER)


def _question(first: SurveyRow, second: SurveyRow) -> Conflict:
    return Conflict(
        first=first.handle,
        second=second.handle,
        question=f"Which holds: “{_shown(first)}” or “{_shown(second)}”?",
        reasoning="They contradict each other, and neither plainly ends the other.",
    )


def _why_weak(row: SurveyRow) -> str:
    if row.confidence < WEAK_CONFIDENCE:
        return f"Too unsure to be kept in recall: confidence {row.confidence:.2f}."
    return "Says too little to be kept in recall."


def _day(row: SurveyRow) -> str:
    when = from_micros(row.at)
    return f"{when.day} {when:%B %Y}"


def _shown(row: SurveyRow) -> str:
    text = row.text
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
