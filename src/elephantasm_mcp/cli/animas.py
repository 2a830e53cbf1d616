"""`animas`: list the memory spaces, make one, set its dials, share it with projects, remove it."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elephantasm_mcp.cli.commands import Command, json_object
from elephantasm_mcp.cli.connection import with_app, with_memory
from elephantasm_mcp.cli.output import PROGRAM, line, note, say, say_json, table, when
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.types.grants import Trusted
from elephantasm_mcp.types.records import AnimaOverview, AnimaSettings
from elephantasm_mcp.types.views import MergeReport

if TYPE_CHECKING:
    from elephantasm_mcp.app import App
    from elephantasm_mcp.sdk import AsyncElephantasm

_SETTINGS = list(AnimaSettings.model_fields)
_LISTS = ("event_types", "never_store")
_SHARED = ("--database", "--env-file", "--json")


async def show_all(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """List what each anima holds."""
    found = await memory.animas()
    if arguments.json:
        say_json(found)
    elif found:
        head = ("anima", "events", "pending", "memories", "knowledge", "dreams", "last event (UTC)")
        for one in table([head, *map(_row, found)], right=range(1, len(head) - 1)):
            say(one)
    else:
        note(f"There is no anima yet; {PROGRAM} extract makes the default one.")
    return 0


async def create(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Make an anima; one of that name stays as it is."""
    anima = await memory.create_anima(
        arguments.name, description=arguments.description, meta=arguments.meta
    )
    if arguments.json:
        say_json(anima)
    else:
        say(f"{line(anima.name)}  {anima.id}")
    return 0


async def change(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Change settings of an anima; without any, print those that it has."""
    given = dict(arguments.settings)
    anima = await memory.update_anima(arguments.name, settings=given or None)
    if arguments.json:
        say_json(anima)
        return 0
    for name, value in anima.settings.model_dump(mode="json").items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
        say(f"{name} = {line(str(shown))}".rstrip())
    return 0


async def give(app: App, arguments: Namespace) -> int:
    """Give an anima of the local user to another one."""
    from elephantasm_mcp.memory import animas

    anima = await animas.give(app.core, app.user, arguments.name, owner=arguments.owner)
    if arguments.json:
        say_json(anima)
    else:
        note(f"{line(anima.name)} is {line(arguments.owner)}'s now, with all that it holds.")
    return 0


def _set(arguments: Namespace) -> int:
    """Change the settings that are given, and then whose it is."""
    if arguments.owner is None:
        return with_memory(change)(arguments)
    if arguments.settings:
        raise ValidationError(
            "`--owner` stands alone.", field="owner", hint="Change settings in a command before it."
        )
    return with_app(give)(arguments)


async def delete(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Remove an anima; without `--yes` say what it holds."""
    if not arguments.yes:
        report = await memory.forget(anima_id=arguments.name, everything=True)
        held = (("event", report.events), ("memory", report.memories))
        said = ", ".join(counted(len(rows), noun) for noun, rows in held)
        note(f"Nothing was removed: {line(report.anima)} holds {said}. With --yes it is, for good.")
        return 0
    await memory.delete_anima(arguments.name)
    note("Removed, with all that it held.")
    return 0


async def merge(app: App, arguments: Namespace) -> int:
    """Put all that an anima holds into another; without `--yes` say what that is."""
    from elephantasm_mcp.memory import merging

    act = merging.merge if arguments.yes else merging.preview
    report = await act(app.core, app.user, arguments.source, arguments.into)
    if arguments.json:
        say_json(report)
        return 0
    note(_merge_text(report))
    return 0


def _merge_text(report: MergeReport) -> str:
    held = (
        counted(report.events, "event"),
        counted(report.memories, "memory"),
        f"{report.knowledge:,} of knowledge",
        counted(report.dreams, "dream"),
    )
    there = f"; {line(report.target)} has {report.joined:,} of the events already"
    what = f"{', '.join(held)} of {line(report.source)}{there if report.joined else ''}"
    read = ", ".join(map(line, report.readers))
    readers = f" {read} may read what {line(report.target)} knows, and so this too." if read else ""
    if report.dream is None:
        return (
            f"Nothing was moved: {what}.{readers} With --yes it all goes to {line(report.target)},"
            " under new handles. That cannot be undone: make a backup first."
        )
    return (
        f"Moved: {what}. {line(report.source)} is empty and keeps its settings; {report.dream} in"
        f" the journal of {line(report.target)} says so.{readers}"
    )


async def trust(app: App, arguments: Namespace) -> int:
    """Let a project name an anima, take that back, or list who may."""
    from elephantasm_mcp.memory import trust as service

    if arguments.name is None:
        return _print_trusted(await service.list_all(app.core, app.user), arguments)
    if arguments.remove:
        gone = await service.take_back(app.core, app.user, arguments.name, arguments.folder)
        note(f"The project {line(gone)} may no longer name {line(arguments.name)}.")
        return 0
    made = await service.allow(app.core, app.user, arguments.name, arguments.folder)
    if arguments.json:
        say_json(made)
    else:
        note(f"A file of the project {line(made.project)} may name {line(made.anima)} now.")
    return 0


def _print_trusted(found: list[Trusted], arguments: Namespace) -> int:
    if arguments.json:
        say_json(found)
    elif found:
        head = ("anima", "project", "folder", "since (UTC)")
        rows = (
            (line(one.anima), line(one.project), line(one.folder), when(one.since)) for one in found
        )
        for one in table([head, *rows]):
            say(one)
    else:
        note("No project may name an anima but its own.")
    return 0


def _setting(text: str) -> tuple[str, Any]:
    """`name=value`: a number, a JSON list, or text; commas part the items of a list."""
    name, sign, value = text.partition("=")
    if not sign:
        raise ArgumentTypeError(f"{text!r} is no setting; give one such as threshold=5")
    try:
        return name, json.loads(value)
    except ValueError:
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return name, parts if name in _LISTS else value


def _row(anima: AnimaOverview) -> tuple[str, ...]:
    counts = (anima.events, anima.pending_events, anima.memories, anima.knowledge, anima.dreams)
    name = f"{line(anima.name)} (default)" if anima.default else line(anima.name)
    return name, *(f"{number:,}" for number in counts), when(anima.last_event_at)


def _set_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the anima, by name or id")
    parser.add_argument(
        "settings",
        metavar="SETTING=VALUE",
        nargs="*",
        type=_setting,
        help=f"one or more of {', '.join(_SETTINGS)}",
    )
    parser.add_argument(
        "--owner", metavar="USER", help="give it to this user of the server, made if need be"
    )


def _merge_options(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FROM", help="the anima to empty, by name or id")
    parser.add_argument("into", metavar="INTO", help="the anima that takes it all")
    parser.add_argument("--yes", action="store_true", help="do it: without, it is only shown")


def _trust_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="the anima, by name or id")
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=Path(),
        help="a folder of the project (default: the current one)",
    )
    parser.add_argument("--remove", action="store_true", help="take that back")


def _delete_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the anima, by name or id")
    parser.add_argument("--yes", action="store_true", help="remove it: without, it is only shown")


def _create_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="its name, unlike that of any other")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument("--meta", metavar="JSON", type=json_object, help="anything else, as JSON")


COMMAND = Command(
    name="animas",
    summary="list the memory spaces, make one, set its dials, merge two, remove one",
    details="An anima is one isolated memory space: an agent, a user, a project.",
    run=with_memory(show_all),
    parts=(
        Command(
            name="list",
            summary="list the animas and what they hold (what `animas` alone does)",
            run=with_memory(show_all),
            shared=_SHARED,
        ),
        Command(
            name="create",
            summary="make an anima; one of that name stays as it is",
            run=with_memory(create),
            options=_create_options,
            examples=("elephantasm-mcp animas create my-agent --description 'Code reviews'",),
            shared=_SHARED,
        ),
        Command(
            name="set",
            summary="change the settings of an anima, or whose it is; without any, print them",
            run=_set,
            options=_set_options,
            examples=(
                "elephantasm-mcp animas set my-agent threshold=5 dream_interval_h=6",
                "elephantasm-mcp animas set my-agent 'never_store=ACME-####, Project Phoenix'",
                "elephantasm-mcp animas set my-agent --owner nadia",
            ),
            shared=_SHARED,
        ),
        Command(
            name="merge",
            summary="put all that an anima holds into another, for what landed in the wrong one",
            details="Events, memories, knowledge and dreams come with their sources, under new"
            " handles. Events that both have become one. Name, settings and grants of both stay,"
            " and the identity of the one that takes them.",
            run=with_app(merge),
            options=_merge_options,
            examples=(
                "elephantasm-mcp animas merge default acme/app",
                "elephantasm-mcp animas merge default acme/app --yes",
            ),
            shared=_SHARED,
        ),
        Command(
            name="trust",
            summary="let the .elephantasm.toml of a project name an anima; without one, list them",
            details="With ELEPHANTASM_ANIMA_ID=project each project has an anima of its own. A file"
            ' .elephantasm.toml at its root with the line anima = "NAME" names another one: a new'
            " one, or one that this command allowed. All clones of a repository are one project.",
            run=with_app(trust),
            options=_trust_options,
            examples=(
                "elephantasm-mcp animas trust payments ~/code/billing",
                "elephantasm-mcp animas trust payments ~/code/billing --remove",
            ),
            shared=_SHARED,
        ),
        Command(
            name="delete",
            summary="remove an anima with all it holds, for good",
            run=with_memory(delete),
            options=_delete_options,
            examples=("elephantasm-mcp animas delete my-agent --yes",),
            shared=_SHARED,
        ),
    ),
    shared=_SHARED,
)
