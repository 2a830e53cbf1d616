"""The program `hook EVENT`: one call of a client, from its input to what is printed.

Owns the order of things: take down first, for that must not be lost, then print, then go on with
what others had no time for. Imports what reading takes only when something is to be read.
Invariant: whatever fails is a line of the diary, and never anything else.
"""

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from elephantasm_mcp.environment import Place, read_place, without_plugins
from elephantasm_mcp.hooks import deadline
from elephantasm_mcp.hooks.clients import Call, Moment, Output, read_call
from elephantasm_mcp.hooks.opening import opening_for
from elephantasm_mcp.projects import Project, project_of
from elephantasm_mcp.spool import diary, parts, sessions
from elephantasm_mcp.spool.folders import Spool, spool_of
from elephantasm_mcp.spool.sessions import Session

MAX_INPUT_BYTES: Final = 64_000_000
"""Clients without a transcript hand in prompts with all that was pasted into them."""
_OPTIONS: Final = ("--client", "--database", "--env-file", "--anima")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    event: str | None = None
    client: str | None = None
    database: str | None = None
    env_file: Path | None = None
    anima: str | None = None


def main(arguments: Sequence[str]) -> None:
    """Do what a hook does, and end the process with exit code 0. The deadline runs already."""
    without_plugins()
    try:
        run(read_options(arguments), sys.stdin.buffer.read(MAX_INPUT_BYTES), say=deadline.say)
    except BaseException as error:  # noqa: BLE001 - the end of the process: no client may see it
        note("hook", error)
    finally:
        deadline.end()


def read_options(arguments: Sequence[str]) -> Options:
    """What the command line says; what is unknown there is passed over.

    A client takes an exit code for a decision, so no wrong usage may end in one.
    """
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word in _OPTIONS:
            given[word[2:].replace("-", "_")] = value if equals or not rest else rest.pop(0)
        elif not word.startswith("-"):
            given.setdefault("event", word)
    env_file = given.pop("env_file", None)
    return Options(**given, env_file=Path(env_file) if env_file else None)


def run(options: Options, data: bytes, *, say: Callable[[bytes], None]) -> None:
    """Do what the input of a client asks for; `say` prints it.

    Raises:
        ValueError: the input is no JSON object.
    """
    payload = _object(data)
    call = read_call(payload, event=options.event, client=options.client)
    if call.moment is None or not payload:  # no client sends nothing: it is tried whether we run
        return
    folder = call.folder or str(Path.cwd())
    call = replace(call, folder=folder)
    place = read_place(env_file=options.env_file, database=options.database)
    place = replace(place, anima=options.anima or place.anima)
    spool = spool_of(place.database, endpoint=place.endpoint)
    session = sessions.load(spool, call.session_name)
    opening = _begin(call, spool, session, folder)
    project = project_of(Path(session.folder))
    _take_down(call, spool, session, place, project)
    text = _exchange(call, spool, session, place, project)
    if text:
        _keep(call, spool, session)
    say(call.output(f"{opening}\n{text}".strip()).encode())
    _go_on(call, spool, place)


def note(what: str, error: BaseException) -> None:
    """Write down what went wrong: our own message, or the kind of a foreign one."""
    ours = getattr(error, "explain", None)
    diary.note(what, ours() if callable(ours) else type(error).__name__, now=now())


def now() -> datetime:
    """The time: `machine`, whose clock services have, would import half of them."""
    return datetime.now(UTC)  # noqa: TID251 - see above


def _begin(call: Call, spool: Spool, session: Session, folder: str) -> str:
    """Have a session known; at its start what it is told of that, if its file can be written."""
    starts = call.moment is Moment.START
    opening = opening_for(call.client) if starts and _speaks(call) else ""
    if session.folder and not opening:
        return ""
    session.folder = session.folder or folder
    if opening:
        session.begin((opening,))
    return opening if _keep(call, spool, session) else ""


def _speaks(call: Call) -> bool:
    """Whether the client takes what is printed at this moment."""
    form = call.client.says.get(call.moment, Output.NOTHING) if call.moment else Output.NOTHING
    return form is not Output.NOTHING


def _take_down(call: Call, spool: Spool, session: Session, place: Place, project: Project) -> None:
    if call.moment is Moment.START:
        with _noted(call.event):
            sessions.tidy(spool, now_s=now().timestamp())
    if call.moment is Moment.START or (
        call.client.has_transcript and call.moment is not Moment.REPLY
    ):
        return
    from elephantasm_mcp.hooks import capture  # patterns of secrets: not for a start

    with _noted(call.event):
        capture.take_down(call, spool, session, place, project, now=now())


def _go_on(call: Call, spool: Spool, place: Place) -> None:
    """In the time that is left take down what other hooks had no time for; not where one waits."""
    if call.moment is Moment.PROMPT:
        return
    for path in sessions.left_behind(spool, now_s=now().timestamp()):
        from elephantasm_mcp.hooks import capture  # as above

        with _noted(call.event):
            capture.go_on(path, spool, place, now=now())


def _keep(call: Call, spool: Spool, session: Session) -> bool:
    """Write down what is known of a session; whether that could be."""
    with _noted(call.event):
        sessions.keep(spool, call.session_name, session)
        return True
    return False


def _exchange(call: Call, spool: Spool, session: Session, place: Place, project: Project) -> str:
    """What memory has to say. A server that is elsewhere is handed what waits for it."""
    to_say = _speaks(call)
    with _noted(call.event):
        if place.endpoint is not None:
            if to_say or parts.waiting(spool):
                from elephantasm_mcp.hooks import remotely  # a web client

                return remotely.exchange(call, spool, session, place, project, to_say=to_say)
        elif to_say:
            from elephantasm_mcp.hooks import locally  # the engine

            return locally.exchange(call, spool, session, place, project)
    return ""


@contextmanager
def _noted(what: str) -> Generator[None, None, None]:
    """Write down what fails in the block, and go on behind it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - no part of a hook may end the others
        note(what, error)


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data.decode("utf-8", "replace"))
    if not isinstance(found, dict):
        raise ValueError("The input is no JSON object.")  # noqa: TRY004 - see `run`
    return found
