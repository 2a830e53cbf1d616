"""`install` and `uninstall`: this server in a client's list of servers, or out of it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from elephantasm_mcp.cli.commands import Command, settings_of
from elephantasm_mcp.cli.output import PROGRAM, complain, note, say, say_json
from elephantasm_mcp.errors import ConflictError, ServerError
from elephantasm_mcp.pure.similarity import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elephantasm_mcp.clients.command import Start
    from elephantasm_mcp.clients.feeds import Feed
    from elephantasm_mcp.clients.handshake import Answer
    from elephantasm_mcp.clients.installing import Edit
    from elephantasm_mcp.clients.machine import Machine
    from elephantasm_mcp.clients.table import Client, Entry
    from elephantasm_mcp.clients.wishes import Wishes

USAGE = 2
_SAID = {
    "written": "{are} now in",
    "changed": "{were} brought up to date in",
    "replaced": "{were} put in the place of another command in",
    "already": "{are} already in",
    "removed": "{are} no longer in",
    "absent": "{are} not in",
    "left": "of that name starts something else, and {are} left in",
}
_WHAT = {
    "server": ("The server", {"are": "is", "were": "was"}),
    "hooks": ("The hooks", {"are": "are", "were": "were"}),
    "server and hooks": ("The server and the hooks", {"are": "are", "were": "were"}),
}


def install(arguments: Namespace) -> int:
    """Write the entry, start what it says, and say who answered."""
    from elephantasm_mcp.clients.command import find_command, this_python
    from elephantasm_mcp.clients.machine import this_machine
    from elephantasm_mcp.clients.table import ANY, BY_NAME

    client = BY_NAME.get(arguments.client, ANY if arguments.print else None)
    if client is None:
        return _unknown(arguments.client)
    machine, start = this_machine(), find_command(this_python())
    wishes = _wishes(arguments)
    if arguments.print:
        return _print(client, start, wishes, arguments)
    return _install(client, machine, start, wishes, arguments)


def _install(
    client: Client, machine: Machine, start: Start, wishes: Wishes, arguments: Namespace
) -> int:
    from elephantasm_mcp.clients import installing

    project = Path.cwd() if arguments.project else None
    path = installing.server_file(client, machine, project=project)
    if not project and installing.has_plugin(client, machine):
        return _leave_to_plugin(client, machine, start, path, arguments)
    taken = installing.is_taken(client, path)
    if taken and not arguments.dry_run:
        _ask_to_replace(machine.shown(path), arguments)
    before = None if taken else installing.entry_in(client, path)
    shown = None if project else machine.shown(path)
    entry = _entry(client, start, wishes, arguments, before=before, file=shown)
    edits = [installing.plan_server(client, path, entry)]
    if project:
        note(
            "It names a program of this machine: whoever else works in this folder needs their own."
        )
    elif not arguments.no_hooks:
        edits = _with_hooks(edits[0], client, machine, start, wishes, entry)
    if arguments.dry_run:
        return _report(client, machine, start, entry, edits, None, arguments)
    edits = [installing.carry_out(edit) for edit in edits]
    written = installing.entry_in(client, path) or entry
    answer = _shake(written, machine)
    feed = None if project or arguments.no_hooks else _feed(client, machine)
    return _report(client, machine, start, written, edits, answer, arguments, feed=feed)


def _leave_to_plugin(
    client: Client, machine: Machine, start: Start, path: Path, arguments: Namespace
) -> int:
    """Write nothing that the plugin brings; hooks of ours would be a second set, and go."""
    from elephantasm_mcp.clients import installing
    from elephantasm_mcp.settings import config_file, variable

    note(
        f"The server and the hooks are left to {client.title}'s plugin, which is switched on. Its"
        f" settings are those in {config_file()}, but for {variable('anima_id')}: the anima is the"
        f" project's, unless the environment of {client.title} names another."
    )
    edits = [installing.plan_nothing(client, path)]
    if edits[0].state == "already":
        note(f"The one in {machine.shown(path)} is a second: `{PROGRAM} uninstall {client.name}`.")
    if not arguments.no_hooks:
        edits = installing.without_hooks(edits[0], client, machine)
    if not arguments.dry_run:
        edits = [installing.carry_out(edit) for edit in edits]
    feed = None if arguments.dry_run else _feed(client, machine)
    return _report(client, machine, start, None, edits, None, arguments, feed=feed)


def _ask_to_replace(file: str, arguments: Namespace) -> None:
    """Ask before somebody else's entry goes.

    Raises:
        ConflictError: it stays.
    """
    from elephantasm_mcp.clients.table import NAME

    taken = f"{file} has another server by the name {NAME!r}."
    if not _asker(arguments)(f"{taken} Put this one in its place?"):
        raise ConflictError(
            f"{taken} Nothing was changed.",
            hint="Give that one another name, or say --yes to put this one in its place.",
        )


def _with_hooks(
    edit: Edit, client: Client, machine: Machine, start: Start, wishes: Wishes, entry: Entry
) -> list[Edit]:
    """Also the hooks, which have no environment of their own, unless they would miss a server."""
    from elephantasm_mcp.clients import hooks, installing
    from elephantasm_mcp.clients.command import UVX
    from elephantasm_mcp.settings import config_file, variable

    endpoint = variable("endpoint")
    known = wishes.origin("endpoint") not in ("environment", "default")
    if endpoint not in entry.env or known:
        if start.installed_by == UVX and client.name in hooks.TABLE:
            note(
                "uvx takes a second for each hook. Quicker: `uv tool install elephantasm-mcp`, then"
                f" `{PROGRAM} install {client.name}` again."
            )
        options = _hook_options(entry, wishes)
        return installing.with_hooks(
            edit, client, machine, line=start.line_of_hooks, options=options
        )
    if client.name in hooks.TABLE:
        note(
            f"The hooks are left out, since they would not know the server. Put {endpoint} and its"
            f" key into {config_file()}, then repeat this."
        )
    return installing.without_hooks(edit, client, machine)


def uninstall(arguments: Namespace) -> int:
    """Take the entry and the hooks out, and nothing else."""
    from elephantasm_mcp.clients import files, installing
    from elephantasm_mcp.clients.machine import this_machine
    from elephantasm_mcp.clients.table import BY_NAME

    client = BY_NAME.get(arguments.client)
    if client is None:
        return _unknown(arguments.client)
    machine = this_machine()
    project = Path.cwd() if arguments.project else None
    path = installing.server_file(client, machine, project=project)
    edits = [installing.plan_removal(client, path)]
    if not project:
        edits = installing.without_hooks(edits[0], client, machine)
    if not arguments.dry_run:
        edits = [installing.carry_out(edit) for edit in edits]
    backups = [one for edit in edits for one in files.backups_of(edit.file.path)]
    if arguments.json:
        report = {"client": client.name, "files": list(map(_as_json, edits))}
        say_json(report | {"backups": list(map(str, backups))})
        return 0
    for line in _edits(edits, machine, dry_run=arguments.dry_run):
        say(line)
    if any(edit.changes for edit in edits) and not arguments.dry_run:
        say(f"{client.title} forgets it once it is started again.")
        say("The memory itself is as it was; `doctor` says where it is.")
    if backups:
        shown = ", ".join(map(machine.shown, backups))
        say(f"What was there before stays, with any key that was in it: {shown}.")
    return 0


def _wishes(arguments: Namespace) -> Wishes:
    from elephantasm_mcp.clients.wishes import Wishes

    return Wishes(
        settings_of(arguments),
        given={"database": arguments.database},
        env_file=arguments.env_file,
        anima=arguments.anima,
    )


def _entry(
    client: Client,
    start: Start,
    wishes: Wishes,
    arguments: Namespace,
    *,
    before: Entry | None = None,
    file: str | None = None,
) -> Entry:
    """What is to stand in the file: our entry from `before`, with what is said now on top."""
    from elephantasm_mcp.clients.table import Entry
    from elephantasm_mcp.clients.wishes import keys

    kept = before.env if before else {}
    answered = {} if arguments.yes else kept
    unsaid = wishes.default_env(works_in_projects=client.works_in_projects)
    asked = keys(wishes, _asker(arguments), before=answered, file=file)
    first, *rest = start.line
    return Entry(
        first, (*rest, *wishes.args), {**start.env, **unsaid, **kept, **wishes.env(), **asked}
    )


def _asker(arguments: Namespace):  # noqa: ANN202 - an `Ask`, which is not imported at start-up
    """Who answers: `--yes`, the person at the terminal, or nobody, which is a no."""

    def ask(question: str) -> bool:
        if arguments.yes:
            return True
        if arguments.print:
            return False
        if arguments.json or not sys.stdin.isatty():
            note(f"{question} Nobody was there to say so: no. (--yes says yes.)")
            return False
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    return ask


def _hook_options(entry: Entry, wishes: Wishes) -> list[str]:
    """The options that hooks need to use the same memory as the server."""
    from elephantasm_mcp.clients.wishes import PROJECT
    from elephantasm_mcp.settings import variable

    database = entry.env.get(variable("database"))
    options = ["--database", database] if database and not wishes.settings.endpoint else []
    anima = entry.env.get(variable("anima_id"), PROJECT)
    options += [] if anima == PROJECT else ["--anima", anima]
    return [*wishes.args, *options]


def _shake(entry: Entry, machine: Machine) -> Answer | ServerError:
    from elephantasm_mcp.clients.handshake import shake_hands

    try:
        return anyio.run(shake_hands, entry, machine)
    except ServerError as error:
        return error


def _feed(client: Client, machine: Machine) -> Feed | None:
    """Whether the client calls what is in its file now; nobody misses what was left out."""
    from elephantasm_mcp.clients.feeds import feed_of

    feed = anyio.run(feed_of, client, machine)
    return None if feed is None or feed.state == "absent" else feed


def _print(client: Client, start: Start, wishes: Wishes, arguments: Namespace) -> int:
    from elephantasm_mcp.clients import configs

    entry = _entry(client, start, wishes, arguments, file="what is printed")
    kind = "json" if arguments.json else client.format
    say(configs.render(client.shape(entry), client.path, kind))
    return 0


def _unknown(name: str | None) -> int:
    from elephantasm_mcp.clients.table import BY_NAME

    near = nearest(name, list(BY_NAME)) if name else None
    guess = f"Did you mean {near!r}? " if near else ""
    what = f"unknown client {name!r}. {guess}" if name else "which client? "
    complain(f"{what}Known: {', '.join(BY_NAME)}. For any other, `{PROGRAM} install --print`.")
    return USAGE


def _report(
    client: Client,
    machine: Machine,
    start: Start,
    entry: Entry | None,
    edits: list[Edit],
    answer: Answer | ServerError | None,
    arguments: Namespace,
    *,
    feed: Feed | None = None,
) -> int:
    """Say what was done and who answered; without an entry, that the files are as they are."""
    failed = isinstance(answer, ServerError)
    code = int(failed or (feed is not None and feed.state == "fails"))
    if arguments.json:
        say_json(
            {
                "client": client.name,
                "installed_by": start.installed_by,
                "command": entry.line if entry else [],
                "env": _masked(entry.env) if entry else {},
                "files": list(map(_as_json, edits)),
                "answer": None if failed else answer,
                "problem": answer.explain() if isinstance(answer, ServerError) else None,
                "hooks": feed,
            }
        )
        return code
    for line in _edits(edits, machine, dry_run=arguments.dry_run):
        say(line)
    if entry is not None:
        say(f"It starts {' '.join(entry.line)} ({start.installed_by}).")
        for name, value in _masked(entry.env).items():
            say(f"  {name}={value}")
    _say_answer(client, answer)
    if feed is not None:
        _say_feed(client, feed)
    return code


def _say_answer(client: Client, answer: Answer | ServerError | None) -> None:
    """Who answered, and what is left to do."""
    if isinstance(answer, ServerError):
        complain(
            f"What was written does not answer. {answer.explain()}"
            f" `{PROGRAM} uninstall {client.name}` takes it out again."
        )
    elif answer is not None:
        say(
            f"Started as {client.title} will: {answer.name} {answer.version} answered in"
            f" {answer.took_s:.1f} s, with {answer.tools} tools."
        )
        say(client.then)


def _say_feed(client: Client, feed: Feed) -> None:
    """Whether hooks will be called, and what is left to do for that."""
    from elephantasm_mcp.clients import hooks

    if not feed.is_wrong:
        say(" ".join((feed.detail, hooks.TABLE[client.name].then)).rstrip())
    elif feed.state == "fails":
        complain(f"{feed.detail} `{PROGRAM} uninstall {client.name}` takes the hooks out again.")
    else:
        note(f"{feed.detail} {feed.remedy}")


def _edits(edits: list[Edit], machine: Machine, *, dry_run: bool) -> Iterator[str]:
    for edit in edits:
        backup = f" (before: {machine.shown(edit.backup)})" if edit.backup else ""
        what, verbs = _WHAT[edit.what]
        said = _SAID[edit.state].format(**verbs)
        file = machine.shown(edit.file.path)
        if dry_run and edit.changes:
            yield f"Would change {file} ({what.lower()})."
        else:
            yield f"{what} {said} {file}{backup}."


def _as_json(edit: Edit) -> dict[str, str | None]:
    return {
        "what": edit.what,
        "file": str(edit.file.path),
        "state": edit.state,
        "backup": str(edit.backup) if edit.backup else None,
    }


def _masked(env: dict[str, str]) -> dict[str, str]:
    from elephantasm_mcp.clients.table import is_secret

    return {name: "********" if is_secret(name, one) else one for name, one in env.items()}


def _options(parser: ArgumentParser) -> None:
    _client(parser, optional=True)
    parser.add_argument(
        "--print", action="store_true", help="print what would be written, and write nothing"
    )
    parser.add_argument("--no-hooks", action="store_true", help="leave the client's hooks alone")
    parser.add_argument(
        "--yes",
        action="store_true",
        help="answer all questions with yes: keys that are set here are written and may be spent, "
        "and another server of this name is replaced",
    )


def _client(parser: ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "client", metavar="CLIENT", nargs="?" if optional else None, help="the client, by name"
    )
    parser.add_argument(
        "--project",
        action="store_true",
        help="the file of the current folder in place of yours",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")


COMMANDS = (
    Command(
        name="install",
        summary="tell a client of this server, and see that it answers",
        details="Write this server into the client's own file, beside a backup, with a command "
        "that works from a desktop, and start it once as the client will. Clients: claude-desktop, "
        "claude-code, cursor, vscode, windsurf, codex, gemini-cli, zed, goose. Agents for code get "
        "the memory of the project at hand. Claude Code, Cursor, Codex and Gemini CLI are also "
        "told to call the hooks that feed it. Settings of this environment go with it; a key only "
        "after a yes, and never with --project, which also leaves hooks out.",
        run=install,
        options=_options,
        examples=(
            "elephantasm-mcp install claude-code",
            "elephantasm-mcp install cursor --anima my-agent",
            "elephantasm-mcp install --print",
        ),
    ),
    Command(
        name="uninstall",
        summary="take this server out of a client's file, and nothing else",
        run=uninstall,
        options=_client,
        examples=("elephantasm-mcp uninstall claude-code",),
        shared=("--json",),
    ),
)
