"""`grant`: let one anima read what another knows, see who may, take it back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_memory
from elephantasm_mcp.cli.output import line, note, say, say_json, table, when
from elephantasm_mcp.types.grants import Grant

if TYPE_CHECKING:
    from elephantasm_mcp.sdk import AsyncElephantasm

_SHARED = ("--database", "--env-file", "--json")
_REMOVED = "(removed)"


async def show_all(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """List the grants, those that ended as well."""
    found = await memory.grants(arguments.anima)
    if arguments.json:
        say_json(found)
    elif found:
        head = ("grant", "source", "reader", "may read", "granted (UTC)", "revoked (UTC)")
        for one in table([head, *map(_row, found)]):
            say(one)
    else:
        note("Nothing is granted.")
    return 0


async def add(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """Grant it; what stands already stays as it is."""
    neither = not (arguments.knowledge or arguments.memories)
    made = await memory.grant(
        arguments.source,
        arguments.to,
        to_user=arguments.to_user,
        knowledge=arguments.knowledge or neither,
        memories=arguments.memories,
    )
    if arguments.json:
        say_json(made)
    else:
        say(f"{made.id}  {_reader(made)} may read the {_layers(made)} of {_source(made)}")
    return 0


async def revoke(memory: AsyncElephantasm, arguments: Namespace) -> int:
    """End a grant."""
    ended = await memory.revoke_grant(arguments.grant)
    if arguments.json:
        say_json(ended)
    else:
        note(f"Revoked: {_reader(ended)} no longer reads of {_source(ended)} by it.")
    return 0


def _row(one: Grant) -> tuple[str, ...]:
    ended = ""
    if one.revoked_at:
        ended = f"{when(one.revoked_at)} {line(one.revoked_by) or _REMOVED}"
    given = f"{when(one.granted_at)} {line(one.granted_by)}"
    return str(one.id), _source(one), _reader(one), _layers(one), given, ended


def _source(one: Grant) -> str:
    return f"{line(one.source_user)}/{line(one.source) or _REMOVED}"


def _reader(one: Grant) -> str:
    return f"{line(one.reader_user)}/{line(one.reader) or _REMOVED}"


def _layers(one: Grant) -> str:
    both = (("knowledge", one.knowledge), ("memories", one.memories))
    return " and ".join(name for name, may in both if may)


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="the anima to be read, by name or id")
    parser.add_argument(
        "--to",
        metavar="READER",
        required=True,
        help="the anima that shall read, by name or id; another user's by its id",
    )
    parser.add_argument("--to-user", metavar="USER", help="whose that is, if not yours")
    parser.add_argument(
        "--knowledge", action="store_true", help="what it knows (so without either option)"
    )
    parser.add_argument("--memories", action="store_true", help="what it remembers")


def _revoke_options(parser: ArgumentParser) -> None:
    parser.add_argument("grant", metavar="ID", help="the grant, as `grant list` shows it")


COMMAND = Command(
    name="grant",
    summary="let one anima read what another knows, see who may, take it back",
    details="The reader's packs and searches then have the source's knowledge or memories as well, "
    "as `house-rules:k7`. Raw events, sessions and identity are never shared, nothing can be "
    "changed so, and what the source itself reads of others is not passed on.",
    parts=(
        Command(
            name="add",
            summary="let an anima read of another",
            run=with_memory(add),
            options=_add_options,
            examples=(
                "elephantasm-mcp grant add house-rules --to coder",
                "elephantasm-mcp grant add house-rules --to coder --knowledge --memories",
                "elephantasm-mcp grant add house-rules --to-user dana"
                " --to 0199c0de-0000-7000-8000-000000000000",
            ),
            shared=_SHARED,
        ),
        Command(
            name="list",
            summary="list the grants with who gave and ended them, of all animas or one",
            run=with_memory(show_all),
            shared=(*_SHARED, "--anima"),
        ),
        Command(
            name="revoke",
            summary="end a grant: the next read does without it",
            run=with_memory(revoke),
            options=_revoke_options,
            shared=_SHARED,
        ),
    ),
    shared=_SHARED,
)
