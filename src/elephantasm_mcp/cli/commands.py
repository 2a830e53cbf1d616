"""Commands: what each one is called, takes and does, as data, and the parser made of them.

Owns the options that commands share and the wording of usage errors. Knows no command by name.
Invariant: a usage error ends with exit code 2 and names what was probably meant.
"""

import argparse
import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from textwrap import fill
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticValidationError
from typing_extensions import override

from elephantasm_mcp.pure.similarity import nearest
from elephantasm_mcp.settings import Settings, load_settings
from elephantasm_mcp.types.records import GivenDatetime

HELP_WIDTH: Final = 79
_MOMENT: Final = TypeAdapter(GivenDatetime)


def _no_options(_: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Command:
    """One command, or a family of them."""

    name: str
    summary: str
    """One line, for the list of commands."""
    run: Callable[[Namespace], int] | None = None
    """Do it; the result is the exit code. None for a family of which a part must be named; the
    others do what their first part does."""
    options: Callable[[ArgumentParser], None] = _no_options
    details: str = ""
    examples: tuple[str, ...] = ()
    parts: tuple["Command", ...] = ()
    shared: tuple[str, ...] = ("--database", "--env-file", "--anima", "--json")
    """The shared options that it takes."""


class Parser(ArgumentParser):
    """argparse, with the nearest known word in place of a list of all."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )

    @override
    def _check_value(self, action: argparse.Action, value: str) -> None:
        if action.choices is None or value in action.choices:
            return
        known = list(action.choices)
        near = nearest(value, known)
        guess = f"Did you mean {near!r}? " if near else ""
        what = "command" if action.dest == argparse.SUPPRESS else "value"
        raise argparse.ArgumentError(
            action if what == "value" else None,
            f"unknown {what} {value!r}. {guess}Known: {', '.join(known)}.",
        )

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nTry `{self.prog} --help`.\n")


def add_commands(
    parser: ArgumentParser, commands: Sequence[Command], *, required: bool = False
) -> list[ArgumentParser]:
    """Give a parser its commands, and return theirs."""
    chosen = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=Parser, required=required
    )
    made: list[ArgumentParser] = []
    for command in commands:
        own = chosen.add_parser(
            command.name,
            help=command.summary,
            description=fill(command.details or _sentence(command.summary), HELP_WIDTH),
            epilog=_examples(command.examples),
        )
        made.append(own)
        add_shared(own, command.shared)
        command.options(own)
        own.set_defaults(run=command.run)
        if command.parts:
            first, *_ = add_commands(own, command.parts, required=command.run is None)
            if command.run:
                own.set_defaults(**vars(first.parse_args([])))
    return made


def add_shared(parser: ArgumentParser, names: Sequence[str]) -> None:
    """Give a parser shared options; they may stand before the command's name or behind it."""
    if names:
        group = parser.add_argument_group("shared options")
        for name in names:
            group.add_argument(name, default=argparse.SUPPRESS, **_SHARED[name])


def settings_of(arguments: Namespace, **overrides: Any) -> Settings:  # noqa: ANN401 - any setting
    """The settings, with what the command line says on top.

    Raises:
        ValidationError: a value breaks its rule.
    """
    if arguments.database:
        overrides["endpoint"] = ""  # a file that is named beats a server of the environment
    return load_settings(env_file=arguments.env_file, database=arguments.database, **overrides)


def existing_file(text: str) -> Path:
    """The path of a file that must be there."""
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"there is no file {text!r}")
    return path


def moment(text: str) -> datetime:
    """A time in ISO 8601; without a zone it is UTC."""
    try:
        return _MOMENT.validate_strings(text)
    except PydanticValidationError as error:
        raise ArgumentTypeError(
            f"{text!r} is no time; give one such as 2026-03-02T10:30:00Z"
        ) from error


def end_moment(text: str) -> datetime:
    """A time up to which something holds; a day alone means the whole of it (UTC)."""
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        return moment(text)


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def whole_number(*, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} to {most:,}")
        return int(text)

    return read


def step_numbers(text: str) -> list[int]:
    """Numbers of steps of a plan, with commas between them."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ArgumentTypeError(f"{text!r} are no numbers of a plan, such as 1,3")
    return [int(part) for part in parts]


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ArgumentTypeError(f'{text!r} is no JSON object, such as \'{{"channel": "email"}}\'')
    return value


_SHARED: Final[dict[str, dict[str, Any]]] = {
    "--database": {
        "metavar": "FILE",
        "help": "the database file (default: ELEPHANTASM_DATABASE, else one in your data folder)",
    },
    "--env-file": {
        "metavar": "FILE",
        "type": existing_file,
        "help": "read settings from this file instead of the .env of the configuration folder",
    },
    "--anima": {
        "metavar": "NAME",
        "help": "the anima, by name or id (default: ELEPHANTASM_ANIMA_ID, else `default`)",
    },
    "--json": {"action": "store_true", "help": "print one JSON document instead of text"},
}


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _examples(examples: Sequence[str]) -> str:
    return "\n".join(["examples:", *(f"  {one}" for one in examples)]) if examples else ""
