"""Uses: which packs were read, and which memories stood in them.

Owns counting what stood in them, and what each client saw last; both are written in batches and
off the read path, so that a pack needs no writable disk. Invariant: a count changes no pack until
light sleep folds it into the memory, and what a client saw changes none at all.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from elephantasm_mcp.errors import StorageError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.granted import is_granted
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store import memories, packs, usefulness
from elephantasm_mcp.store.memories import DerivedLayer
from elephantasm_mcp.store.packs import LastRead, Reader
from elephantasm_mcp.types.reading import PackChanges, PackLine
from elephantasm_mcp.types.records import AnimaNo, RowId, parse_handle, row_id

DIGEST_CHARS = 16
MAX_UNWRITTEN = 64
"""How many reads wait at most where nobody flushes; beyond that the oldest is forgotten."""


async def flush(core: Core) -> None:
    """Write down what was read since the last time.

    However it fails, all of it waits for the next time. A write that has begun ends before a
    cancelled caller goes on, so that nothing is counted twice.

    Raises:
        StorageError: the database cannot be written.
    """
    if not (core.uses or core.reads or core.shown):
        return
    import anyio  # hooks do without

    uses, reads, shown = dict(core.uses), dict(core.reads), dict(core.shown)
    core.uses.clear()
    core.shown.clear()
    try:
        with anyio.CancelScope(shield=True):
            await core.database.write(_write, uses, reads, shown, now=core.clock.now())
    except BaseException:
        core.uses.update(uses)
        for anima_no, handles in shown.items():
            core.shown.setdefault(anima_no, Counter()).update(handles)
        raise
    for reader, read in reads.items():
        if core.reads.get(reader) is read:
            del core.reads[reader]


def note_shown(core: Core, anima_no: AnimaNo, handles: Iterable[str]) -> None:
    """Count a pack that was read, and what stood in it."""
    core.shown.setdefault(anima_no, Counter()).update(["", *handles])


def note_printed(core: Core, anima_no: AnimaNo, handles: Sequence[str]) -> None:
    """Count a pack that another process printed; handles that are none count nothing."""
    own = {handle: parse_handle(handle) for handle in handles if not is_granted(handle)}
    found = {handle: parsed for handle, parsed in own.items() if parsed is not None}
    core.uses.update(row_id(anima_no, seq) for layer, seq in found.values() if layer == "m")
    note_shown(core, anima_no, found)


async def note_read(
    core: Core, reader: Reader, *, pack_hash: str, lines: Mapping[str, str]
) -> PackChanges:
    """What changed for a reader since it last read this pack; from now on it has seen these lines.

    `lines` has the text of each line by its handle. Of what is another anima's only a digest is
    kept, so that nothing of it stays once it may not be read any more.
    """
    kept = {
        handle: _digest(core, text) if is_granted(handle) else text
        for handle, text in lines.items()
    }
    last = core.reads.get(reader) or await core.database.read(packs.last_read, reader)
    if last is None or last.hash != pack_hash:
        core.reads[reader] = LastRead(pack_hash, kept, core.clock.now())
        await _bound(core)
    known = last.lines if last is not None else {}
    return PackChanges(
        since=last.hash if last is not None else None,
        added=[PackLine(handle=one, text=lines[one]) for one in _only_in(kept, known)],
        removed=[
            PackLine(handle=one, text="" if is_granted(one) else known[one])
            for one in _only_in(known, kept)
        ],
    )


def _digest(core: Core, text: str) -> str:
    return hmac.new(core.secret, text.encode(), sha256).hexdigest()[:DIGEST_CHARS]


async def _bound(core: Core) -> None:
    """Keep what waits small: a client without a background task flushes only when it closes."""
    if len(core.reads) > MAX_UNWRITTEN:
        with suppress(StorageError):
            await flush(core)
    while len(core.reads) > MAX_UNWRITTEN:
        del core.reads[next(iter(core.reads))]


def _write(
    tx: Tx,
    uses: Mapping[RowId, int],
    reads: Mapping[Reader, LastRead],
    shown: Mapping[AnimaNo, Counter[str]],
    *,
    now: datetime,
) -> None:
    memories.add_accesses(tx, uses, now=now)
    for anima_no, handles in shown.items():
        usefulness.count_shown(
            tx, anima_no, packs=handles[""], rows=dict(_rows(anima_no, handles)), now=now
        )
    packs.put_reads(
        tx, {reader: read for reader, read in reads.items() if _still_there(tx, reader, read)}
    )


def _rows(
    anima_no: AnimaNo, handles: Mapping[str, int]
) -> Iterator[tuple[tuple[DerivedLayer, RowId], int]]:
    """The memories and the knowledge behind these handles."""
    for handle, times in handles.items():
        letter, number = parse_handle(handle) or ("", 0)
        if letter == "m":
            yield ("memory", row_id(anima_no, number)), times
        elif letter == "k":
            yield ("knowledge", row_id(anima_no, number)), times


def _still_there(tx: Tx, reader: Reader, read: LastRead) -> bool:
    """Whether what was read may be kept: nothing was erased since, here or by another process."""
    try:
        from elephantasm_mcp.store import erasure  # with all that erases: not at start-up

        erased_at = erasure.erased_at(tx, reader.anima_no)
    except LookupError:
        return False
    return erased_at is None or read.at > erased_at


def _only_in(lines: Mapping[str, str], others: Mapping[str, str]) -> Iterator[str]:
    """The handles of lines that the others do not have, or have in other words.

    An event's words never change, only the time of day before them does.
    """
    for handle, text in lines.items():
        is_event = (parse_handle(handle) or ("",))[0] == "e"
        if handle not in others or (not is_event and others[handle] != text):
            yield handle
