"""`hook`: what clients run by themselves."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from elephantasm_mcp.cli.commands import Command


def run(arguments: Namespace) -> int:
    """Do what a hook does; the process ends here."""
    from elephantasm_mcp.hooks import deadline, program

    deadline.start()
    given = {
        "--client": arguments.client,
        "--database": arguments.database,
        "--env-file": arguments.env_file,
        "--anima": arguments.anima,
    }
    options = [f"{name}={os.fspath(value)}" for name, value in given.items() if value]
    program.main([*([arguments.event] if arguments.event else []), *options])
    return 0


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "event", metavar="EVENT", nargs="?", help="what happens (default: what the input says)"
    )
    parser.add_argument(
        "--client",
        metavar="CLIENT",
        help="who calls: claude-code, codex, gemini-cli, cursor, vscode, windsurf or goose "
        "(default: whose form the input has)",
    )


COMMAND = Command(
    name="hook",
    summary="what clients run by themselves: print memory, take down what is said",
    details="Reads one JSON object from standard input, as the hooks of Claude Code, Codex, Gemini "
    "CLI, Cursor, VS Code, Windsurf and goose send it. At the start of a session it prints the "
    "memory pack of the folder's project, with a prompt what that recalls; after a turn, before "
    "compaction and at the end it takes down what is new. It ends within two seconds with exit "
    "code 0, whatever happens; `hooks/hooks.log` in the data folder says what went wrong.",
    run=run,
    options=_options,
    examples=("elephantasm-mcp hook SessionStart --client claude-code",),
    shared=("--database", "--env-file", "--anima"),
)
