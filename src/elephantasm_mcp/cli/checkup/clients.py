"""Clients: who was told of this server, whether what they start answers, and what hooks left.

Owns what is said of them. Invariant: nothing of a client's file is changed.
"""

from typing import Final

from elephantasm_mcp.app import database_path
from elephantasm_mcp.cli.checkup.findings import Checkup
from elephantasm_mcp.clients import feeds
from elephantasm_mcp.clients.machine import this_machine
from elephantasm_mcp.clients.survey import survey
from elephantasm_mcp.machine import SystemClock
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.spool import diary, parts, sessions
from elephantasm_mcp.spool.folders import spool_of

LINES: Final = 5
"""How much of the diary is shown."""


async def examine_clients(found: Checkup) -> None:
    """Start what stands in the files of clients: servers, then hooks."""
    machine = this_machine()
    found.clients = await survey(machine)
    for one in found.clients:
        if one.state != "works":
            found.wrong("clients", f"{one.client} ({one.file}): {one.detail}", one.remedy)
    told = [one.client for one in found.clients if one.state != "unreadable"]
    found.hooks = await feeds.survey(machine, told=told)
    for feed in found.hooks:
        text = f"{feed.client} ({feed.file}): {feed.detail}"
        if feed.is_wrong:
            found.wrong("hooks", text, feed.remedy)
        elif feed.remedy:
            found.advise("hooks", text, feed.remedy)


def examine_hooks(found: Checkup, settings: Settings) -> None:
    """Say what hooks could not do, and what waits although the database was opened."""
    found.diary = diary.last_lines(LINES)
    spool = spool_of(database_path(settings), endpoint=settings.endpoint)
    waiting, aside = parts.waiting(spool), parts.aside(spool)
    if waiting:
        found.advise(
            "hooks",
            f"{counted(len(waiting), 'piece')} of conversation that hooks took down"
            f" still {'waits' if len(waiting) == 1 else 'wait'}.",
            "The next hook or server that can stores it; the lines under Hooks say why it waits.",
        )
    if aside:
        found.advise(
            "hooks",
            f"{counted(len(aside), 'piece')} of conversation could not be stored whole.",
            f"Read {aside[0]}, and delete what you do not need.",
        )
    torn = sessions.drafts(spool, before_s=SystemClock().now().timestamp() - sessions.DRAFT_S)
    if torn:
        found.advise(
            "hooks",
            f"Hooks that were killed left {counted(len(torn), 'unfinished file')}, which may hold"
            " words of a conversation.",
            "The next start of a session removes them.",
        )
