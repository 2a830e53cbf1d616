"""`completion`: what a shell needs to complete our commands and options.

Owns nothing but the choice of shells; the scripts are shtab's, made of the parser itself.
Invariant: whatever the parser takes is completed, without a second list of it.
"""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import Final

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.output import PROGRAM, say

SHELLS: Final = ("bash", "zsh", "fish")
_FILES: Final = frozenset({"FILE", "FOLDER"})
"""How arguments are called that are paths."""


def command(build_parser: Callable[[], ArgumentParser]) -> Command:
    """The command for a program with this parser."""

    def run(arguments: Namespace) -> int:
        import shtab  # 10 ms that no other command needs

        parser, names = build_parser(), _names()
        for action in _actions(parser):
            if action.metavar in _FILES:
                setattr(action, "complete", shtab.FILE)  # noqa: B010 - where shtab looks for it
            elif isinstance(action.metavar, str) and action.metavar in names:
                action.choices = names[action.metavar]
        say(shtab.complete(parser, shell=arguments.shell).rstrip("\n"))
        return 0

    return Command(
        name="completion",
        summary="print what bash, zsh or fish needs to complete commands and options",
        details="Print a script with which the shell completes commands, options and file names. "
        "Have the shell read it when it starts: as a file, as below, or in bash with "
        f"`source <({PROGRAM} completion bash)`, in zsh behind compinit with "
        f'`eval "$({PROGRAM} completion zsh)"`.',
        run=run,
        options=_options,
        examples=(
            f"{PROGRAM} completion bash > ~/.local/share/bash-completion/completions/{PROGRAM}",
            f"{PROGRAM} completion zsh > ~/.zfunc/_{PROGRAM}  # a folder of your fpath",
            f"{PROGRAM} completion fish > ~/.config/fish/completions/{PROGRAM}.fish",
        ),
        shared=(),
    )


def _names() -> dict[str, list[str]]:
    """What an argument may be that takes other words as well, by what it is called."""
    from elephantasm_mcp.clients import table  # both are of no use to other commands
    from elephantasm_mcp.hooks import clients

    events = dict.fromkeys(event for one in clients.CLIENTS for event in one.events)
    return {"CLIENT": list(table.BY_NAME), "EVENT": list(events)}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _actions(parser: ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of the commands under it, which are described in one line."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for one in action._choices_actions:  # noqa: SLF001
                inner = action.choices[one.dest]
                inner.description = one.help
                yield from _actions(inner)
