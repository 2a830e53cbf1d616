"""The program `elephantasm-mcp`: from its arguments to its exit code.

Owns the list of commands and the one place where errors become lines on standard error. Invariant:
exit code 0 is done, 1 failed, 2 wrong usage, 130 interrupted; nobody ever sees a traceback unless
the log level is `debug`.
"""

import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from io import TextIOWrapper
from typing import Final

from elephantasm_mcp.cli import (
    animas,
    archive,
    backup,
    bench,
    completion,
    curate,
    demo,
    doctor,
    dream,
    extract,
    forget,
    grant,
    hook,
    importing,
    install,
    keys,
    pack,
    redact,
    search,
    serve,
    trace,
)
from elephantasm_mcp.cli.commands import Parser, add_commands, add_shared, settings_of
from elephantasm_mcp.cli.output import PROGRAM, complain, note
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.settings import use_one_thread

COMMANDS: Final = (
    serve.COMMAND,
    demo.COMMAND,
    animas.COMMAND,
    extract.COMMAND,
    pack.COMMAND,
    search.COMMAND,
    trace.COMMAND,
    dream.COMMAND,
    curate.COMMAND,
    forget.COMMAND,
    redact.COMMAND,
    grant.COMMAND,
    importing.COMMAND,
    archive.EXPORT,
    backup.BACKUP,
    backup.RESTORE,
    keys.COMMAND,
    hook.COMMAND,
    *install.COMMANDS,
    doctor.COMMAND,
    bench.COMMAND,
    completion.command(lambda: build_parser()),
)
_MAKES_AN_ANIMA: Final = ("`create_anima`", f"`{PROGRAM} animas create NAME`")
"""A tool that hints name, and the command that does the same."""
FAILED: Final = 1
INTERRUPTED: Final = 130
DEFAULTS: Final = {"database": None, "env_file": None, "anima": None, "json": False}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Raises:
        SystemExit: 2 for wrong usage, 0 after `--help` and `--version`.
    """
    use_one_thread()
    _print_whatever_comes()
    arguments = build_parser().parse_args(argv, Namespace(**DEFAULTS))
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the process ends here, and with a sentence
        return _report(error, arguments)
    return code


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser(
        prog=PROGRAM,
        description="Long-term memory for AI agents. Without a command it serves MCP over stdio.",
        epilog=f"`{PROGRAM} COMMAND --help` says more. Start with `{PROGRAM} demo`.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {version(PROGRAM)}")
    add_shared(parser, serve.COMMAND.shared)
    parser.set_defaults(run=serve.run)
    add_commands(parser, COMMANDS)
    return parser


def _report(error: Exception, arguments: Namespace) -> int:
    """Say in one line what went wrong, unless it is that nobody reads on."""
    causes = list(_causes(error))
    ours = [one for one in causes if isinstance(one, ElephantasmError)]
    if any(isinstance(one, BrokenPipeError) for one in causes):
        _close_quietly()
    elif ours:
        complain(ours[0].explain().replace(*_MAKES_AN_ANIMA))
    else:
        _show_traceback(error, arguments)
        complain(
            f"Something failed inside the program ({type(causes[0]).__name__}). "
            "With ELEPHANTASM_LOG=debug it says where; please report it."
        )
    return FAILED


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What was raised: one error, or those that a task group has collected."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    else:
        yield error


def _show_traceback(error: Exception, arguments: Namespace) -> None:
    with suppress(ElephantasmError):
        if settings_of(arguments).log == "debug":
            note("".join(traceback.format_exception(error)))


def _print_whatever_comes() -> None:
    """No character ends the program because a terminal's encoding lacks it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _close_quietly() -> None:
    """Let Python find nothing to complain about when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
