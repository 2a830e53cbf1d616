"""Packs: the context of an anima, compiled for a prompt.

Owns what goes into a pack, in which order, within which budget, and how it reads. Invariant: the
same state, query, settings and clock give the same bytes in any process; a pack is never longer
than its budget by the token estimator, handles and fence included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid5

from elephantasm_mcp.memory import (
    candidates,
    granted,
    granted_lines,
    identity,
    index,
    pack_items,
    recall,
    uses,
)
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import Granted
from elephantasm_mcp.memory.granted_lines import Beside
from elephantasm_mcp.memory.pack_items import Item
from elephantasm_mcp.memory.presets import KNOWLEDGE, LONG_TERM, PRESETS, SESSION, SHARES
from elephantasm_mcp.memory.recall import Retrieved
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure import packing, recent
from elephantasm_mcp.pure.fences import KEY_CHARS, fence_key
from elephantasm_mcp.pure.labels import floor_hour, since_label
from elephantasm_mcp.pure.packing import Line, Section
from elephantasm_mcp.pure.text import cut, to_line
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import events, grants
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.grants import Held
from elephantasm_mcp.store.memories import StoredMemory
from elephantasm_mcp.store.packs import Reader
from elephantasm_mcp.types.reading import IdentityContext, MemoryPack, PackQuery, TemporalContext
from elephantasm_mcp.types.records import AnimaNo, RowId, User

if TYPE_CHECKING:
    from elephantasm_mcp.pure.asking import Asked

PATIENCE_S = 5.0
"""How long a pack over MCP waits for the embedder and the index (contract §2)."""
KEPT_PACKS = 16
"""How many are kept while nothing changes: without a query, and with one of each anima."""
_PACKS = ("packs",)
IDENTITY = "## Your Identity"
IDENTITY_WORDS = 100
IDENTITY_CHARS = 700
"""About 150 tokens of it stand in a pack (contract §2)."""
GIST_WORDS = 14
GIST_CHARS = 100
"""How much of the last event the temporal line repeats."""

FENCE = '<memory-pack key="{key}">\n{text}\n</memory-pack>'
COSTLIEST_KEY = "a0" * (KEY_CHARS // 2)
"""What the fence is counted with: no other hexadecimal key has more tokens."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pack, and what it was chosen from."""

    anima_no: AnimaNo
    revision: int
    """The state of the anima that it shows."""
    pack: MemoryPack
    candidates: dict[str, list[Item]]
    """The lines that competed, by section, best first."""
    items: dict[str, list[Item]]
    """Those of them that stand in it, as they read."""
    retrieved: Retrieved | None
    """What the query found; None without one."""
    used: list[RowId]
    """The memories that stand in it; not those of other animas, which are only read."""
    held: tuple[Held, ...] = ()
    """What the anima may read of others, and in which state that was,"""
    beside: Sequence[tuple[Granted, Retrieved]] = ()
    """and what the query found there."""


async def compile_pack(
    core: Core,
    user: User,
    query: PackQuery,
    *,
    patience_s: float = PATIENCE_S,
    client: str | None = None,
) -> MemoryPack | None:
    """The pack of an anima; None when it has no events yet. What it shows counts as used.

    With a query the embedders are loaded and the whole tail is indexed first, for at most
    `patience_s`; what then is not ready does not take part, and `mode` says so. A query without a
    word is none. `client` is who reads: without a query its pack says what changed since it last
    read it so. A pack of the past (`as_of`) counts as no use, and nobody has seen it.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: `as_of` lies in the future.
    """
    compiled = await compile_with_candidates(core, user, query, patience_s=patience_s)
    if compiled is None:
        return None
    pack = compiled.pack
    if query.as_of is not None:
        return pack
    core.uses.update(compiled.used)
    lines = {
        item.line.handle: item.line.text for items in compiled.items.values() for item in items
    }
    uses.note_shown(core, compiled.anima_no, lines)
    content = _copied(pack.content)  # the pack is kept: nobody may change it
    if client is None or recall.has_words(query.query):
        return pack.model_copy(update={"content": content})
    reader = Reader(compiled.anima_no, user.no, client)
    changes = await uses.note_read(core, reader, pack_hash=pack.content["hash"], lines=lines)
    return pack.model_copy(update={"content": content | {"changes": changes.model_dump()}})


async def compile_with_candidates(
    core: Core, user: User, query: PackQuery, *, patience_s: float = PATIENCE_S
) -> Compiled | None:
    """The pack with what competed for it; nothing of it counts as used.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: `as_of` lies in the future.
    """
    if not recall.has_words(query.query):
        query = query.model_copy(update={"query": None})
    anima, held = await granted.find(core, user, query.anima)
    if query.as_of is None:
        return await _compile_now(core, anima, held, query, patience_s=patience_s)
    if query.query is not None and patience_s > 0:  # of a model that is not known nothing is copied
        await index.load_embedders(core, purpose="read")
    models = index.models_of(core) if query.query is not None else ()
    from elephantasm_mcp.memory import past  # few ask for it: not at start-up

    async with past.opened(
        core, anima.anima_no, as_of=query.as_of, models=models, with_granted=True
    ) as then:
        anima = await then.database.read(anima_store.get, anima.anima_no)
        held = await then.database.read(grants.held, anima.anima_no)
        return await _compile_now(then, anima, held, query, patience_s=patience_s)


async def _compile_now(
    core: Core,
    anima: StoredAnima,
    held: Sequence[Held],
    query: PackQuery,
    *,
    patience_s: float,
) -> Compiled | None:
    """The pack at the moment of the core's clock; `held` is what others let the anima read."""
    if anima.last_event_at is None:
        return None
    settings = anima.settings
    clock = floor_hour(core.clock.now()).astimezone(_zone(settings.timezone))
    query = query.model_copy(
        update={
            "max_tokens": query.max_tokens or settings.max_tokens,
            "preset": query.preset or settings.preset,
        }
    )
    if query.query is not None:
        numbers = [anima.anima_no, *(one.source_no for one in held)]
        await index.prepare_reads(core, numbers, patience_s=patience_s)
        asked = await recall.prepare(core, query.query)
        return await core.database.read(_answer, core, anima.anima_no, query, asked, clock=clock)
    state = (anima.revision, *held)
    key = (anima.anima_no, state, query.session_id, query.max_tokens, query.preset, clock)
    known = core.packs.get(key)
    if isinstance(known, Compiled):
        return known
    compiled = await core.database.read(_compile, core, anima.anima_no, query, None, clock=clock)
    if (compiled.revision, *compiled.held) == state:
        for other in [one for one in core.packs if one[0] == key[0] and one[1] != key[1]]:
            del core.packs[other]
        recent.keep(core.packs, key, compiled, most=KEPT_PACKS)
    return compiled


def _copied(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a pack, down to what may be changed in it: a tenth of what JSON takes."""
    copied = {
        name: dict(part) if isinstance(part, dict) else part for name, part in content.items()
    }
    for name in ("session_memories", "knowledge", "long_term_memories"):
        copied[name] = [line | {"breakdown": dict(line["breakdown"])} for line in content[name]]
    return copied


def fence(core: Core, pack: MemoryPack) -> str:
    """The pack as MCP clients see it: with handles, between tags that no stored text can forge.

    One without a line has no tags either.
    """
    text = pack.layers.annotated
    if not text:
        return ""
    key = fence_key(text, secret=core.secret)
    return FENCE.format(key=key, text=text)


def _answer(
    tx: Tx,
    core: Core,
    anima_no: AnimaNo,
    query: PackQuery,
    asked: Asked | None,
    *,
    clock: datetime,
) -> Compiled:
    """The pack for a question, kept beside the state that it was compiled of.

    One that shows rows of other animas is not kept: their states are others.
    """
    anima = anima_store.get(tx, anima_no)
    if asked is None or grants.held(tx, anima_no):
        return _compile(tx, core, anima_no, query, asked, clock=clock)
    notes = core.corpora.get(tx, anima, index.models_of(core)).notes
    kept = cast("dict[tuple[object, ...], Compiled]", notes.setdefault(_PACKS, {}))
    models = tuple(name for name, _ in asked.vectors.values())
    key = (asked.text, models, query.session_id, query.max_tokens, query.preset, clock)
    known = kept.get(key)
    if known is None:
        known = _compile(tx, core, anima_no, query, asked, clock=clock)
        recent.keep(kept, key, known, most=KEPT_PACKS)
    return known


def _compile(
    tx: Tx,
    core: Core,
    anima_no: AnimaNo,
    query: PackQuery,
    asked: Asked | None,
    *,
    clock: datetime,
) -> Compiled:
    """Gather, choose, render: all of it on one snapshot."""
    anima = anima_store.get(tx, anima_no)
    max_tokens, preset = query.max_tokens or 0, PRESETS[query.preset or "conversational"]
    retrieved: Retrieved | None = None
    if asked is None:
        lines = candidates.without_query(
            tx, anima, session_id=query.session_id, preset=preset, clock=clock
        )
    else:
        lines, retrieved = candidates.for_query(
            tx,
            core,
            anima,
            asked,
            session_id=query.session_id,
            preset=preset,
            max_tokens=max_tokens,
            clock=clock,
        )
    sources = granted.sources(tx, anima)
    beside = Beside({})
    if sources:
        beside = granted_lines.gather(
            tx, core, anima, sources, asked, max_tokens=max_tokens, clock=clock
        )
        lines = granted_lines.merged(lines, beside.lines)
    known = _identity(tx, anima, max_tokens=max_tokens)
    temporal = _temporal(tx, anima, max_tokens=max_tokens // 4, clock=clock)
    fixed = [_identity_text(known)] if known else []
    if temporal is not None:
        if _fenced_tokens("\n\n".join([*fixed, temporal.formatted])) > max_tokens:
            temporal = None
        else:
            fixed.append(temporal.formatted)
    empty_fence = FENCE.format(key=COSTLIEST_KEY, text="")
    chosen = packing.choose(
        [
            Section(
                title=title,
                share=SHARES[title],
                lines=[item.line for item in lines[title]],
                costs=[item.tokens for item in lines[title]],
                scores=[item.score for item in lines[title]],
                firm=[item.firm for item in lines[title]],
            )
            for title in preset.sections
        ],
        fixed=[*fixed, empty_fence],
        budget_tokens=max_tokens,
    )
    items = {
        title: _ordered(title, _with_lines(lines[title], chosen[title]))
        for title in preset.sections
    }
    modes = [recall.NO_QUERY if retrieved is None else retrieved.mode]
    mode = recall.joint_mode([*modes, *(found.mode for _, found in beside.retrieved)])
    pack = _build(anima, query, items, known, temporal, mode=mode, clock=clock)
    used = [
        item.row.id
        for title in (SESSION, LONG_TERM)
        for item in items[title]
        if isinstance(item.row, StoredMemory) and item.granted is None
    ]
    return Compiled(
        anima_no=anima_no,
        revision=anima.revision,
        pack=pack,
        candidates=lines,
        items=items,
        retrieved=retrieved,
        used=used,
        held=tuple(one.held for one in sources),
        beside=beside.retrieved,
    )


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # most animas keep to UTC

    return ZoneInfo(name)


def _with_lines(items: Sequence[Item], lines: Sequence[Line]) -> list[Item]:
    """The items whose lines were chosen, with these lines: one may have been cut."""
    chosen = {line.handle: line for line in lines}
    kept = [(item, chosen[item.line.handle]) for item in items if item.line.handle in chosen]
    return [item if item.line is line else replace(item, line=line) for item, line in kept]


def _ordered(title: str, items: list[Item]) -> list[Item]:
    """A session reads in the order of time; the other sections best first."""
    return sorted(items, key=lambda item: (item.time, item.row.id)) if title == SESSION else items


def _identity(tx: Tx, anima: StoredAnima, *, max_tokens: int) -> IdentityContext | None:
    """Who the agent is; None while nothing is known of it, or where that has no room."""
    found = identity.read(tx, anima)
    if found is None:
        return None
    known = IdentityContext(
        personality_type=found.personality_type,
        communication_style=found.communication_style,
        self_reflection=found.self_reflection,
        prose=cut(to_line(found.prose), max_words=IDENTITY_WORDS, max_chars=IDENTITY_CHARS),
    )
    return known if _fenced_tokens(_identity_text(known)) <= max_tokens else None


def _identity_text(known: IdentityContext) -> str:
    return f"{IDENTITY}\n{known.prose}"


def _temporal(
    tx: Tx, anima: StoredAnima, *, max_tokens: int, clock: datetime
) -> TemporalContext | None:
    """The last interaction; where its gist would take more than `max_tokens`, only its age."""
    last = events.last(tx, anima, until=clock + timedelta(hours=1))
    if last is None:
        return None
    hours = max(0.0, (clock - last.time) / timedelta(hours=1))
    said = cut(to_line(last.event.content), max_words=GIST_WORDS, max_chars=GIST_CHARS)
    summary = f"{pack_items.author_of(last)}: {pack_items.quoted(said)}"
    age = f"Last interaction: {since_label(last.time, now=clock)}"
    whole = f"{age}, {summary}"
    return TemporalContext(
        last_event_at=last.time,
        hours_ago=round(hours, 2),
        memory_summary=summary,
        formatted=whole if packing.tokens_of(whole) <= max_tokens else f"{age}.",
    )


def _build(
    anima: StoredAnima,
    query: PackQuery,
    items: dict[str, list[Item]],
    known: IdentityContext | None,
    temporal: TemporalContext | None,
    *,
    mode: str,
    clock: datetime,
) -> MemoryPack:
    last_line = temporal.formatted if temporal else ""
    first = _identity_text(known) if known else ""
    lines = {title: [item.line for item in found] for title, found in items.items()}
    annotated = packing.render(lines, first=first, last_line=last_line, with_handles=True)
    context = packing.render(lines, first=first, last_line=last_line, with_handles=False)
    digest = sha256(annotated.encode()).hexdigest()[:32]
    content = {  # as `PackContent` is written in JSON, without making it first: 1 ms
        "context": context,
        "identity": known.model_dump(mode="json") if known else None,
        "session_memories": pack_items.as_memories(items[SESSION]),
        "knowledge": pack_items.as_knowledge(items[KNOWLEDGE]),
        "long_term_memories": pack_items.as_memories(items[LONG_TERM]),
        "temporal_context": temporal.model_dump(mode="json") if temporal else None,
        "hash": digest,
        "mode": mode,
        "annotated": annotated,
        "changes": None,
    }
    return MemoryPack(
        id=uuid5(anima.id, digest),
        anima_id=anima.id,
        query=query.query,
        preset_name=query.preset,
        session_memory_count=len(items[SESSION]),
        knowledge_count=len(items[KNOWLEDGE]),
        long_term_memory_count=len(items[LONG_TERM]),
        has_identity=known is not None,
        token_count=_fenced_tokens(annotated),
        max_tokens=query.max_tokens or 0,
        content=content,
        compiled_at=clock,
        created_at=clock,
    )


def _fenced_tokens(annotated: str) -> int:
    """What a pack costs over MCP; nothing without a line."""
    text = FENCE.format(key=COSTLIEST_KEY, text=annotated)
    return packing.tokens_of(text) if annotated else 0
