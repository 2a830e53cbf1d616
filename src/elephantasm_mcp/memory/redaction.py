"""Redaction: masking what is already stored.

Owns finding secrets, and what an anima never stores, in rows that are older than the rule, and
taking them out of every place at once. Like forgetting it rewrites what was, so it is no dream and
cannot be undone. Invariant: rows and journal are masked alike, and what was masked is in no file.
"""

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from elephantasm_mcp.memory import animas, forgetting
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.events import content_hash, masked_key
from elephantasm_mcp.memory.masking import mask_for
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.redaction import Mask, mask_json
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store import animas as anima_store
from elephantasm_mcp.store import erasure, events, rewording, search, work_orders
from elephantasm_mcp.store.animas import StoredAnima
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.rewording import EventTexts
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import User, handle_of
from elephantasm_mcp.types.views import RedactReport


async def redact(core: Core, user: User, anima: AnimaRef, *, dry_run: bool = False) -> RedactReport:
    """Mask secrets, and what the anima never stores, in all that is stored of it.

    Secrets are masked whatever ELEPHANTASM_REDACT says: that is what was asked for. With `dry_run`
    the report says what would be masked.

    Raises:
        NotFoundError: an unknown anima.
        StorageError: the database cannot be written; nothing was changed.
    """
    target = await animas.find(core, user, anima)
    mask = _Counting(mask_for(target.settings, secrets=True))
    found = await core.database.read(_mask_all, core, target, mask, now=None)
    if dry_run or not found.redactions:
        return found
    done = await core.database.write(_mask_all, core, target, mask, now=core.clock.now())
    forgetting.drop_copies(core, target)
    return done.model_copy(update={"unreached": await forgetting.scrub(core)})


def _mask_all(
    tx: Tx, core: Core, target: StoredAnima, counted: "_Counting", *, now: datetime | None
) -> RedactReport:
    """Mask what is to be masked, or only count it when there is no `now`."""
    anima = anima_store.get(tx, target.anima_no)
    counted.found = 0
    report = RedactReport(
        anima_id=anima.id,
        anima=anima.anima.name,
        events=_mask_events(tx, core, anima, counted, now=now),
        memories=_mask_derived(tx, anima, "memory", counted, write=now is not None),
        knowledge=_mask_derived(tx, anima, "knowledge", counted, write=now is not None),
        journal=_mask_journal(tx, anima, counted, write=now is not None),
        redactions=counted.found,
        redacted_at=now,
    )
    if now is not None:
        rewording.reword_others(tx, anima, counted)
        work_orders.withdraw_all(tx, anima.anima_no)
        erasure.wipe_copies(tx, anima, now=now)
    return report


class _Counting:
    """A mask that remembers how much it masked, and which texts have nothing to mask.

    So a transaction that writes looks only at what the one before it found: others wait for it.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._clean: set[bytes] = set()
        self.found = 0

    def __call__(self, text: str) -> tuple[str, int]:
        digest = blake2b(text.encode(), digest_size=16).digest()
        if digest in self._clean:
            return text, 0
        masked, found = self._mask(text)
        self.found += found
        if masked == text:
            self._clean.add(digest)
        return masked, found


def _mask_events(
    tx: Tx, core: Core, anima: StoredAnima, mask: _Counting, *, now: datetime | None
) -> list[str]:
    changed: list[str] = []
    for event in list(rewording.events(tx, anima)):
        before = mask.found
        masked = _masked(event, mask, secret=core.secret)
        if masked == event:
            continue
        changed.append(handle_of("event", event.id))
        if now is not None:
            _put(tx, anima, masked, found=mask.found - before, now=now)
    return changed


def _masked(event: EventTexts, mask: Mask, *, secret: bytes) -> EventTexts:
    texts = {name: None if text is None else mask(text)[0] for name, text in event.texts.items()}
    key = event.texts["dedupe_key"]
    if key is not None and texts["dedupe_key"] != key:
        texts["dedupe_key"] = masked_key(key, secret=secret)
    return replace(event, texts=texts, meta=to_json(mask_json(from_json(event.meta), mask)))


def _put(tx: Tx, anima: StoredAnima, event: EventTexts, *, found: int, now: datetime) -> None:
    """Write a masked event; the vectors of the one after it were made with its words too."""
    content = event.texts["content"] or ""
    digest = content_hash(
        event.event_type, content, event.texts["author"], event.texts["session_id"]
    )
    rewording.put_event(
        tx,
        anima,
        event,
        content_hash=digest,
        tokens=estimate_tokens(content),
        found=found,
        now=now,
    )
    stored = events.get(tx, anima, event.id)
    after = events.neighbours(tx, anima, stored)[1] if stored else None
    if after is not None:
        search.forget_vectors(tx, anima.anima_no, "event", after.id)


def _mask_derived(
    tx: Tx, anima: StoredAnima, layer: DerivedLayer, mask: Mask, *, write: bool
) -> list[str]:
    changed: list[str] = []
    for id_, after in list(rewording.derived(tx, anima, layer, mask)):
        changed.append(handle_of(layer, id_))
        if write:
            rewording.put_derived(tx, anima, layer, id_, after)
    return changed


def _mask_journal(tx: Tx, anima: StoredAnima, mask: Mask, *, write: bool) -> int:
    touched = list(rewording.journal(tx, anima, mask))
    for action, after in touched if write else ():
        erasure.rewrite_action(
            tx, action, before=after.before, after=after.after, reasoning=after.reasoning
        )
    return len(touched)
