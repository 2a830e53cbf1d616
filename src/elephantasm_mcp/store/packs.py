"""Packs in the store: what each client saw when it last read one.

Owns those rows, one for each client and anima. Invariant: nothing that a pack says depends on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from elephantasm_mcp.ports import Tx
from elephantasm_mcp.store.values import from_json, from_micros, to_json, to_micros
from elephantasm_mcp.types.records import AnimaNo, UserNo


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads which pack."""

    anima_no: AnimaNo
    user_no: UserNo
    client: str


@dataclass(frozen=True, slots=True)
class LastRead:
    """What was read: the pack's hash, and its lines by handle."""

    hash: str
    lines: Mapping[str, str]
    at: datetime


def last_read(tx: Tx, reader: Reader) -> LastRead | None:
    """What this reader saw last; None before the first time."""
    row = tx.one(
        "last_read", anima_no=reader.anima_no, user_no=reader.user_no, client=reader.client
    )
    if row is None:
        return None
    return LastRead(row["hash"], from_json(row["items"]), from_micros(row["compiled_at"]))


def give(tx: Tx, anima_no: AnimaNo, *, user_no: UserNo) -> None:
    """Let what clients saw of an anima have been seen by its new user."""
    tx.run("give_reads", anima_no=anima_no, user_no=user_no)


def put_reads(tx: Tx, reads: Mapping[Reader, LastRead]) -> None:
    """Note what these readers saw."""
    tx.many(
        "put_read",
        [
            {
                "anima_no": reader.anima_no,
                "user_no": reader.user_no,
                "client": reader.client,
                "hash": read.hash,
                "items": to_json(dict(read.lines)),
                "compiled_at": to_micros(read.at),
            }
            for reader, read in reads.items()
        ],
    )
