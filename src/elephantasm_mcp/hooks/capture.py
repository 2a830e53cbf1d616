"""Capture: what was said since the last time, into the spool.

Owns reading the new part of a transcript, going on with one that another hook had no time for, and
what a client's own message becomes. Invariant: only
whole lines are read, and a session moves on only after what it moved past is in the spool; so
whatever breaks off, or fails, is read again.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from elephantasm_mcp.environment import Place
from elephantasm_mcp.hooks.clients import BY_NAME, CLAUDE_CODE, Call, Moment
from elephantasm_mcp.projects import Project
from elephantasm_mcp.pure.redaction import Mask, redact
from elephantasm_mcp.pure.transcripts import (
    MESSAGE_CHARS,
    Printed,
    Said,
    read_lines,
    told,
)
from elephantasm_mcp.spool import behind, parts, sessions
from elephantasm_mcp.spool.behind import Behind
from elephantasm_mcp.spool.folders import Spool
from elephantasm_mcp.spool.parts import Fields, Part
from elephantasm_mcp.spool.sessions import Session, digest

AT_ONCE_BYTES: Final = 500_000
"""How much of a transcript is one part: as much as is masked in a fifth of a second, or a line."""
_MARK_BYTES: Final = 4_096
_DIGEST_CHARS: Final = 24


def take_down(
    call: Call, spool: Spool, session: Session, place: Place, project: Project, *, now: datetime
) -> int:
    """Put what is new into the spool; gives how many events that is.

    Raises:
        OSError: a transcript cannot be read, or the spool not be written.
    """
    mask = redact if place.redact else _as_it_is
    if not call.client.has_transcript:
        return _take_messages(call, spool, session, place, project, mask=mask, now=now)
    if call.transcript is None or call.moment is not Moment.REPLY:
        return 0
    left = Behind(call.client.name, call.session, call.transcript, project, place.anima)
    return _take_lines(call, spool, session, left, mask=mask, now=now)


def go_on(path: Path, spool: Spool, place: Place, *, now: datetime) -> int:
    """Put the rest of a transcript into the spool; gives how many events that is.

    `path` is the file of `behind` that tells of it.

    Raises:
        OSError: the transcript cannot be read, or the spool not be written.
    """
    left = behind.read(path)
    if left is None or not Path(left.transcript).expanduser().exists():
        path.unlink(missing_ok=True)
        return 0
    call = Call(
        client=BY_NAME.get(left.client, CLAUDE_CODE),
        event="",
        moment=Moment.REPLY,
        session=left.session,
        folder=None,
        transcript=left.transcript,
        prompt="",
        reply="",
        turn="",
    )
    session = sessions.load(spool, call.session_name)
    mask = redact if place.redact else _as_it_is
    return _take_lines(call, spool, session, left, mask=mask, now=now)


def _take_lines(
    call: Call, spool: Spool, session: Session, left: Behind, *, mask: Mask, now: datetime
) -> int:
    """The whole lines of a transcript that are new; what is `left` if that breaks off."""
    name, taken = call.session_name, 0
    for start, end, mark, lines in new_lines(Path(left.transcript).expanduser(), session):
        behind.note(spool, name, left)
        own_calls = set(session.own_calls)
        said = read_lines(lines, mask=mask, own_calls=own_calls, printed=_printed_into(session))
        events = [_event_of(one, call, now=now) for one in said]
        if events:
            part = Part(project=left.project, anima=left.anima, events=events)
            parts.put(spool, f"{name}-{start:015d}-{end:015d}-{mark}", part)
        session.offset, session.mark, session.own_calls = end, mark, sorted(own_calls)
        sessions.keep_place(spool, name, session)
        taken += len(events)
    behind.forget(spool, name)
    return taken


def new_lines(path: Path, session: Session) -> Iterator[tuple[int, int, str, list[bytes]]]:
    """The whole lines behind where a session was, in portions: from where, to where, mark, which.

    The mark is what stands before the portion's end. A file in which something else stands there
    than the session knows is another one, and read from its start. What is known already is told by
    its keys.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        known = session.offset <= size and _mark(file, session.offset) == session.mark
        start = session.offset if known else 0
        while start < size:
            file.seek(start)
            data = file.read(AT_ONCE_BYTES)
            end = data.rfind(b"\n") + 1
            if not end:  # a line longer than that
                data += file.readline()
                end = len(data) if data.endswith(b"\n") else 0
            if not end:
                return
            yield start, start + end, _mark(file, start + end), data[:end].splitlines()
            start += end


def _mark(file: BinaryIO, offset: int) -> str:
    """A digest of what stands before a place; a line ends with its id, its time, or a result."""
    start = max(0, offset - _MARK_BYTES)
    file.seek(start)
    return sha256(file.read(offset - start)).hexdigest()[:_DIGEST_CHARS]


def _take_messages(
    call: Call,
    spool: Spool,
    session: Session,
    place: Place,
    project: Project,
    *,
    mask: Mask,
    now: datetime,
) -> int:
    """What a client hands in itself: the prompt, or the answer to it."""
    if call.moment is Moment.PROMPT:
        kind, text = "message.in", call.prompt
    elif call.moment is Moment.REPLY:
        kind, text = "message.out", call.reply
    else:
        return 0
    content = told(text, mask=mask, max_chars=MESSAGE_CHARS, printed=_printed_into(session))
    if not content:
        return 0
    turn = call.turn or now.isoformat()
    key = sha256("\0".join((call.session, turn, kind, content)).encode("utf-8", "replace"))
    named = key.hexdigest()[:_DIGEST_CHARS]
    event: Fields = {
        "event_type": kind,
        "content": content,
        "occurred_at": now.isoformat(),
        "session_id": call.session or None,
        "meta": {"client": call.client.name},
        "dedupe_key": f"{call.client.name}:{named}",
    }
    parts.put(spool, named, Part(project=project, anima=place.anima, events=[event]))
    return 1


def _event_of(said: Said, call: Call, *, now: datetime) -> Fields:
    meta: Fields = {"client": call.client.name}
    if said.tool:
        meta["tool"] = said.tool
    if said.failed:
        meta["failed"] = True
    return {
        "event_type": said.event_type,
        "content": said.content,
        "occurred_at": (said.at or now).isoformat(),
        "session_id": said.session_id or call.session or None,
        "meta": meta,
        "dedupe_key": said.key,
    }


def _printed_into(session: Session) -> Printed:
    known = frozenset(session.printed)

    def printed(line: str) -> bool:
        return bool(known) and digest(line) in known

    return printed


def _as_it_is(text: str) -> tuple[str, int]:
    return text, 0
