"""The survey: which clients have our entry, and whether what it says works.

Owns the findings that `doctor` shows. Changes nothing. Invariant: nothing that is wrong ends it; it
is a finding, with its remedy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import anyio

from elephantasm_mcp.clients import files, hooks
from elephantasm_mcp.clients.handshake import Answer, shake_hands
from elephantasm_mcp.clients.installing import entry_in
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import CLIENTS, Client, Entry
from elephantasm_mcp.errors import ElephantasmError, ServerError

DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A client that was told of this server, or whose file cannot be understood."""

    client: str
    file: str
    command: str
    state: Literal["works", "fails", "unreadable"]
    detail: str
    """Who answered, or what is wrong, in one sentence."""
    remedy: str = ""
    """What to run; empty where all is well."""
    hooks: bool = False
    """Whether the client also feeds the memory by itself."""


async def survey(machine: Machine, *, deadline_s: float = DEADLINE_S) -> list[Surveyed]:
    """Look at the files of all clients, and start each command that stands in one, once."""
    found = list(_entries(machine))
    entries = [entry for _, entry in found if isinstance(entry, Entry)]
    lines = {_key(entry): entry for entry in entries}
    answers: dict[tuple[object, ...], Answer | ServerError] = {}
    async with anyio.create_task_group() as group:
        for key, entry in lines.items():
            group.start_soon(_try, answers, key, entry, machine, deadline_s)
    return [_finding(client, one, answers, machine) for client, one in found]


def _entries(machine: Machine) -> Iterator[tuple[Client, Entry | ElephantasmError]]:
    for client in CLIENTS:
        try:
            entry = entry_in(client, client.file(machine))
        except ElephantasmError as error:
            yield client, error
        else:
            if entry is not None:
                yield client, entry


def _key(entry: Entry) -> tuple[object, ...]:
    return *entry.line, *sorted(entry.env.items())


async def _try(
    answers: dict[tuple[object, ...], Answer | ServerError],
    key: tuple[object, ...],
    entry: Entry,
    machine: Machine,
    deadline_s: float,
) -> None:
    try:
        answers[key] = await shake_hands(entry, machine, deadline_s=deadline_s)
    except ServerError as error:
        answers[key] = error


def _finding(
    client: Client,
    entry: Entry | ElephantasmError,
    answers: dict[tuple[object, ...], Answer | ServerError],
    machine: Machine,
) -> Surveyed:
    file = machine.shown(client.file(machine))
    again = f"elephantasm-mcp install {client.name}"
    if isinstance(entry, ElephantasmError):
        remedy = f"Mend the file, then `{again}`."
        return Surveyed(client.name, file, "", "unreadable", str(entry), remedy)
    command = " ".join(entry.line)
    answer = answers[_key(entry)]
    fed = _has_hooks(client, machine)
    if isinstance(answer, ServerError):
        return Surveyed(client.name, file, command, "fails", str(answer), f"`{again}`", hooks=fed)
    said = f"{answer.name} {answer.version}, {answer.tools} tools, in {answer.took_s:.1f} s"
    return Surveyed(client.name, file, command, "works", said, hooks=fed)


def _has_hooks(client: Client, machine: Machine) -> bool:
    table = hooks.TABLE.get(client.name)
    if table is None:
        return False
    try:
        return bool(hooks.calls(files.load(table.file(machine)).text, table))
    except ElephantasmError:
        return False
