"""`keys`: make an API key for the HTTP server, list them, revoke one."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_app
from elephantasm_mcp.cli.output import PROGRAM, line, note, say, say_json, table, when
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.types.callers import DEFAULT_SCOPES, ApiKey, Scope

if TYPE_CHECKING:
    from elephantasm_mcp.app import App

MOST_DAYS: Final = 36_500
_SHARED: Final = ("--database", "--env-file", "--json")


async def create(app: App, arguments: Namespace) -> int:
    """Make a key and print it: nothing else ever will."""
    from elephantasm_mcp.memory import keys

    made, secret = await keys.create(
        app.core,
        arguments.name,
        user=arguments.user,
        scopes=arguments.scopes,
        only=arguments.only or (),
        expires_at=_moment(arguments.expires, now=app.core.clock.now()),
    )
    if arguments.json:
        say_json({"key": secret, **made.model_dump(mode="json")})
        return 0
    say(secret)
    note(
        "This is the only time that it is shown. Clients send it as `Authorization: Bearer …`;\n"
        f"`{PROGRAM} serve --transport http` lets them in, and from now on nobody without a key.\n"
        f"`{PROGRAM} keys revoke` takes it back at once."
    )
    return 0


async def show_all(app: App, arguments: Namespace) -> int:
    """List what is known of the keys, which is not the keys."""
    from elephantasm_mcp.memory import animas, keys

    found = await keys.list_all(app.core)
    if arguments.json:
        say_json(found)
        return 0
    if not found:
        note(f"There is no key yet; `{PROGRAM} keys create NAME` makes one.")
        return 0
    names = {str(id_): mark.name for id_, mark in (await animas.marks(app.core)).items()}
    head = ("key", "user", "begins", "scopes", "animas", "made", "last used", "expires", "state")
    for one in table([head, *(_row(key, names) for key in found)]):
        say(one)
    return 0


async def revoke(app: App, arguments: Namespace) -> int:
    """Let a key open nothing any more."""
    from elephantasm_mcp.memory import keys

    ended = await keys.revoke(app.core, arguments.ref)
    if arguments.json:
        say_json(ended)
    else:
        note(f"{line(ended.name)} ({ended.prefix}…) opens nothing any more.")
    return 0


def _row(key: ApiKey, names: dict[str, str]) -> Sequence[str]:
    opens = None if key.animas is None else [names.get(str(one), str(one)) for one in key.animas]
    return (
        line(key.name),
        line(key.user),
        f"{key.prefix}…",
        ",".join(key.scopes),
        "all" if opens is None else ", ".join(map(line, opens)),
        when(key.created_at),
        when(key.last_used_at) if key.last_used_at else "never",
        when(key.expires_at) if key.expires_at else "never",
        key.state,
    )


def _scopes(text: str) -> tuple[Scope, ...]:
    try:
        return tuple(Scope(word.strip()) for word in text.split(","))
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no list of scopes; they are {', '.join(Scope)}"
        ) from error


def _expiry(text: str) -> int | date:
    """A number of days, or the last day."""
    if text.isdecimal() and 0 < int(text) <= MOST_DAYS:
        return int(text)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is neither a number of days nor a day such as 2027-01-31"
        ) from error


def _moment(expires: int | date | None, *, now: datetime) -> datetime | None:
    if not isinstance(expires, date):
        return None if expires is None else now + timedelta(days=expires)
    try:
        return datetime.combine(expires, time.min, UTC) + timedelta(days=1)
    except OverflowError as error:
        raise ValidationError("That day is too far away.", field="expires") from error


def _create_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what to call it, such as where it is used")
    parser.add_argument(
        "--user", metavar="USER", default="local", help="whose it is, made if need be (%(default)s)"
    )
    parser.add_argument(
        "--scopes",
        metavar="LIST",
        type=_scopes,
        default=DEFAULT_SCOPES,
        help=f"what it is good for, of {', '.join(Scope)}, each of which covers those before it "
        f"(default: {','.join(DEFAULT_SCOPES)})",
    )
    parser.add_argument(
        "--anima",
        metavar="NAME",
        dest="only",
        action="append",
        help="the only anima that it opens, by name or id; may be given again",
    )
    parser.add_argument(
        "--expires", metavar="DAYS|DATE", type=_expiry, help="in so many days, or after that day"
    )


def _revoke_options(parser: ArgumentParser) -> None:
    parser.add_argument("ref", metavar="NAME|ID|PREFIX", help="the key, as `keys list` shows it")


COMMAND = Command(
    name="keys",
    summary="make API keys for the HTTP server, list them, revoke one",
    details="Once a key was made, the HTTP server answers nobody without one. A key belongs to a "
    "user, and opens that user's animas. It is shown when it is made and never again.",
    parts=(
        Command(
            name="create",
            summary="make a key and print it, once",
            run=with_app(create),
            options=_create_options,
            examples=(
                "elephantasm-mcp keys create laptop --user nadia",
                "elephantasm-mcp keys create dashboard --user nadia --scopes read --expires 90",
                "elephantasm-mcp keys create bot --anima my-agent",
            ),
            shared=_SHARED,
        ),
        Command(
            name="list",
            summary="list the keys, without the keys",
            run=with_app(show_all),
            shared=_SHARED,
        ),
        Command(
            name="revoke",
            summary="let a key open nothing any more, from now on",
            run=with_app(revoke),
            options=_revoke_options,
            examples=("elephantasm-mcp keys revoke laptop",),
            shared=_SHARED,
        ),
    ),
    shared=_SHARED,
)
