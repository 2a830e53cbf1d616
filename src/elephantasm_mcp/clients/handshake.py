"""The handshake: starts a command as a client does, and asks who is there.

Owns the few lines of the Model Context Protocol that this takes (revision 2025-11-25, lifecycle and
`tools/list`, over stdio), by hand, since importing mcp takes half a second. Invariant: it ends
within its deadline, and so does what it started.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import Entry
from elephantasm_mcp.environment import variables
from elephantasm_mcp.errors import ServerError
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.settings import variable

REVISION: Final = "2025-11-25"
DEADLINE_S: Final = 60.0
"""`uvx` may have to fetch what it runs."""
_LEAVE_S: Final = 5.0
_LAST_WORDS_S: Final = 1.0
"""How long one that does not answer well may say why."""
_MAX_LINE_BYTES: Final = 1_000_000
_MAX_SAID_CHARS: Final = 300
_POOR_PATH: Final = "/usr/bin:/bin:/usr/sbin:/sbin"
"""What a program has that macOS started from its desktop; nobody has less."""
_INHERITED: Final = (
    *("HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR"),
    *(
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "PROGRAMDATA",
    ),
    *("TEMP", "TMP", "COMSPEC", "PATHEXT", "HOMEDRIVE", "HOMEPATH"),
)
"""What every program of a desktop has, on any system."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered."""

    name: str
    version: str
    tools: int
    took_s: float


async def shake_hands(entry: Entry, machine: Machine, *, deadline_s: float = DEADLINE_S) -> Answer:
    """Start the command of an entry, in the environment that a desktop's client gives it.

    Its background task stays off: to see whether it answers must cost nothing.

    Raises:
        ServerError: it cannot be started, or does not answer in time; with what it said.
    """
    env = environment_for(entry.env, machine)
    try:
        with anyio.fail_after(deadline_s):
            started = anyio.current_time()
            process = await anyio.open_process(
                entry.line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                cwd=machine.home,
            )
            return await _ask(process, started=started)
    except TimeoutError:
        raise ServerError(f"It did not answer within {deadline_s:.0f} s.") from None
    except OSError as error:
        raise ServerError(f"It cannot be started: {error.strerror or error}.") from None


def environment_for(own: Mapping[str, str], machine: Machine) -> dict[str, str]:
    """What a desktop's client gives to what it starts; `own` comes on top."""
    poor = {} if machine.system == "windows" else {"PATH": _POOR_PATH}
    windows = variables(["PATH"]) if machine.system == "windows" else {}
    quiet = {variable("background_jobs"): "false"}
    return {**variables(_INHERITED), **poor, **windows, **own, **quiet}


async def _ask(process: Process, *, started: float) -> Answer:
    """Ask, and see to it that the process ends, whatever it answered."""
    said: list[bytes] = []
    heard = anyio.Event()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_listen, process, said, heard)
            answer = await _converse(process, started=started)
            if process.stdin is not None:
                await process.stdin.aclose()
            with anyio.move_on_after(_LEAVE_S if isinstance(answer, Answer) else _LAST_WORDS_S):
                await process.wait()
                await heard.wait()
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()
    if isinstance(answer, Answer):
        return answer
    raise ServerError(f"{answer} {quoted(b''.join(said))}")


def quoted(said: bytes) -> str:
    """What a program said on standard error, for a finding."""
    words = to_line(said.decode(errors="replace").strip(), max_chars=_MAX_SAID_CHARS)
    return f"It said: {words or 'nothing'}"


async def _listen(process: Process, said: list[bytes], heard: anyio.Event) -> None:
    """Keep what it says on standard error, as much as anybody would read."""
    size = 0
    if process.stderr is not None:
        async for chunk in process.stderr:
            if size < _MAX_LINE_BYTES:
                said.append(chunk)
            size += len(chunk)
    heard.set()


async def _converse(process: Process, *, started: float) -> Answer | str:
    """The conversation, or what was wrong with it."""
    if process.stdin is None or process.stdout is None:
        return "It has no input or output."
    lines = BufferedByteReceiveStream(process.stdout)
    who = {"name": "elephantasm-mcp install", "version": "1"}
    hello: dict[str, Any] = {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": who}
    try:
        await _send(process, {"id": 1, "method": "initialize", "params": hello})
        server = (await _receive(lines, id_=1)).get("serverInfo", {})
        await _send(process, {"method": "notifications/initialized"})
        await _send(process, {"id": 2, "method": "tools/list", "params": {}})
        tools = (await _receive(lines, id_=2)).get("tools", [])
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead):
        return "It ended without an answer."
    except (ValueError, AttributeError, anyio.DelimiterNotFound):
        return "It answers, but not in the Model Context Protocol."
    took_s = anyio.current_time() - started
    name, version = (to_line(str(server.get(key, "?"))) for key in ("name", "version"))
    return Answer(name, version, len(tools), took_s)


async def _send(process: Process, message: dict[str, Any]) -> None:
    if process.stdin is not None:
        await process.stdin.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


async def _receive(lines: BufferedByteReceiveStream, *, id_: int) -> dict[str, Any]:
    """The result of a request; what else comes meanwhile is passed over.

    Raises:
        ValueError: what comes is no answer.
    """
    while True:
        message = json.loads(await lines.receive_until(b"\n", _MAX_LINE_BYTES))
        if message.get("id") == id_:
            if not isinstance(message.get("result"), dict):
                raise ValueError
            return message["result"]
