"""Feeds: whether the clients that have hooks feed the memory by ours.

Owns the trial of a hook's command, and what is said of each client. Changes nothing: a hook that is
handed an empty object takes down nothing. Invariant: nothing that is wrong ends it; it is a
finding, with its remedy. No command goes through a shell, for others may stand behind ours.
"""

import re
import shlex
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Final, Literal

import anyio

from elephantasm_mcp.clients import files, hooks
from elephantasm_mcp.clients.command import UV_READS
from elephantasm_mcp.clients.handshake import environment_for, quoted
from elephantasm_mcp.clients.hooks import Hooks, Switch
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import BY_NAME, Client
from elephantasm_mcp.environment import variables
from elephantasm_mcp.errors import ElephantasmError

DEADLINE_S: Final = 2.0 * hooks.TIMEOUT_S
"""Twice what a client waits, since several are started at once."""
_SETTING: Final = re.compile(r"\w+=")


@dataclass(frozen=True, slots=True)
class Feed:
    """A client that has hooks, and whether it calls ours."""

    client: str
    file: str
    state: Literal["whole", "plugin", "absent", "partial", "off", "fails", "unreadable"]
    """`plugin`: another brings them. `off`: the client's own setting says to call none."""
    detail: str
    """What is so, in a sentence or two."""
    remedy: str = ""
    """What to do; empty where all is well."""

    @property
    def is_wrong(self) -> bool:
        """Whether what is there does not do what it is there for."""
        return self.state in ("partial", "off", "fails", "unreadable")


async def survey(
    machine: Machine, *, told: Collection[str], deadline_s: float = DEADLINE_S
) -> list[Feed]:
    """Look at each client in whose file hooks of ours are, and those that are `told` of us."""
    found: dict[str, Feed] = {}

    async def look(client: Client) -> None:
        if (feed := await feed_of(client, machine, deadline_s=deadline_s)) is not None:
            found[client.name] = feed

    async with anyio.create_task_group() as group:
        for name in hooks.TABLE:
            group.start_soon(look, BY_NAME[name])
    ordered = (found[name] for name in hooks.TABLE if name in found)
    fine_untold = ("absent", "unreadable")  # of a client that never heard of us
    return [one for one in ordered if one.client in told or one.state not in fine_untold]


async def feed_of(
    client: Client, machine: Machine, *, deadline_s: float = DEADLINE_S
) -> Feed | None:
    """Look at one client, and start the commands that it would; None if it has no hooks."""
    table = hooks.TABLE.get(client.name)
    if table is None:
        return None
    again = f"`elephantasm-mcp install {client.name}`"
    form = partial(Feed, client.name, machine.shown(table.file(machine)))
    try:
        text = files.load(table.file(machine)).text
        calls, plugin = hooks.calls(text, table), hooks.plugin_in(text, table)
        off = _switched_off(table, machine)
    except ElephantasmError as error:
        return form("unreadable", str(error), f"Mend the file, then {again}.")
    if off is not None and (calls or plugin):
        where = machine.shown(off.file(machine))
        said = f"The hooks are there, but `{off.shown}` in {where} switches them off."
        return form("off", said, f"Take that out of {where}.")
    if plugin is not None:
        second = " Those in the file are a second set." if calls else ""
        said = f"The plugin {plugin}, which is switched on, brings the hooks.{second}"
        return form("plugin", said, f"{again} takes the second set out." if calls else "")
    if not calls:
        said = "It calls no hooks of ours, so nothing is taken down unless the model does it."
        return form("absent", said, f"{again} puts them in, unless you want it so.")
    if wrong := await _try_all(calls, machine, deadline_s=deadline_s):
        return form("fails", wrong, again)
    if missing := [event for event in table.events if event not in calls]:
        said = f"Only {len(calls)} of {len(table.events)} hooks are there, without"
        return form("partial", f"{said} {' and '.join(missing)}.", again)
    return form("whole", f"All {len(calls)} hooks are there, and run.")


def _switched_off(table: Hooks, machine: Machine) -> Switch | None:
    """The setting that says so."""
    switches = table.switches
    return next((one for one in switches if one.is_off(files.load(one.file(machine)).text)), None)


async def _try_all(
    calls: Mapping[str, Iterable[str]], machine: Machine, *, deadline_s: float
) -> str:
    """What is wrong with the first that does not run; of those for many events one is tried."""
    tried: set[tuple[str, ...]] = set()
    for event, commands in calls.items():
        for command in commands:
            words = shlex.split(command)
            key = tuple(word for word in words if word != event)
            if key in tried:
                continue
            tried.add(key)
            if wrong := await _try(words, machine, deadline_s=deadline_s):
                return f"`{command}` does not run. {wrong}"
    return ""


async def _try(words: list[str], machine: Machine, *, deadline_s: float) -> str:
    """Start a command as a client does that was started here; what is wrong with it, if anything.

    The folder is no project, and what it is handed is empty.
    """
    own = variables(["PATH", *UV_READS])
    while _SETTING.match(words[0]):
        name, _, value = words[0].partition("=")
        own, words = {**own, name: value}, words[1:]
    try:
        with TemporaryDirectory() as folder, anyio.fail_after(deadline_s):
            done = await anyio.run_process(
                words,
                input=b"{}",
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment_for(own, machine),
                check=False,
            )
    except TimeoutError:
        return f"It did not end within {deadline_s:.0f} s."
    except OSError as error:
        return f"It cannot be started: {error.strerror or error}."
    if done.returncode:
        return f"It ended with exit code {done.returncode}. {quoted(done.stderr or b'')}"
    return ""
