"""Animas: making them, finding them, listing them.

Owns who may see which anima. Invariant: an anima is only ever found through its user, so an id
alone opens nothing.
"""

import shlex
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ConflictError, NotFoundError, ScopeError, ValidationError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.projects import Project
from elephantasm_mcp.projects.files import FILE_NAME, may_be_new
from elephantasm_mcp.pure.complaints import rejected
from elephantasm_mcp.pure.patterns import complaint
from elephantasm_mcp.pure.similarity import nearest
from elephantasm_mcp.pure.text import repair, to_line
from elephantasm_mcp.store import animas as store
from elephantasm_mcp.store import grants, packs, trust, work_orders
from elephantasm_mcp.store.animas import Claim, Mark, StoredAnima
from elephantasm_mcp.store.values import from_json, to_json
from elephantasm_mcp.types.defaults import brought_along, take
from elephantasm_mcp.types.reading import AnimaRef
from elephantasm_mcp.types.records import (
    Anima,
    AnimaCreate,
    AnimaOverview,
    SettingsChange,
    User,
    parse_uuid,
)

_NAMES_SHOWN = 10
_NAME_CHARS = 60
"""How many known animas a message names, and how much of each name."""


async def create(core: Core, user: User, request: AnimaCreate) -> tuple[Anima, bool]:
    """Make an anima; an existing one of that name is returned unchanged, with False.

    Raises:
        ValidationError: the name is blank, `meta` is not JSON, or a setting breaks its rule.
        ConflictError: a project's file named it first, and nobody let it: what is in there is not
            what who makes it takes for theirs.
        ScopeError: it would be a new one, and the user sees certain animas only.
    """
    request = request.model_copy(
        update={
            "name": _clean_name(request.name),
            "description": _clean_text(request.description),
            "meta": clean_meta(request.meta),
            "settings": clean_settings(request.settings),
        }
    )
    if user.animas is not None:
        found = await core.database.read(store.find, user, request.name)
        if found is None or found.anima.name != request.name:
            raise _no_more_animas()
        return found.anima, False
    stored, created = await core.database.write(
        _add, core, user, request, uuid=core.ids.uuid(), now=core.clock.now()
    )
    return stored.anima, created


def _add(
    tx: Tx, core: Core, user: User, request: AnimaCreate, *, uuid: UUID, now: datetime
) -> tuple[StoredAnima, bool]:
    stored, created = store.add(tx, user, request, uuid=uuid, now=now)
    if claim := _claim_of_another(core, stored):
        name = stored.anima.name
        delete = shlex.join(["elephantasm-mcp", "animas", "delete", to_line(name), "--yes"])
        raise ConflictError(
            f"There already is an anima {name!r}: {_said(claim)}",
            hint=f"{_settled(claim, name)} `{delete}` removes it with what it holds.",
        )
    return stored, created


async def update(
    core: Core,
    user: User,
    ref: UUID | str,
    *,
    name: str | None = None,
    description: str | None = None,
    meta: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> Anima:
    """Change what is given of an anima, and of its settings; None leaves a field as it is.

    Raises:
        ValidationError: the name is blank, `meta` is not JSON, or a setting breaks its rule.
        NotFoundError: an unknown anima.
        ConflictError: the user has another anima of that name.
        ScopeError: it would get another name, and the user sees certain animas only.
    """
    target = await find(core, user, ref)
    name = None if name is None else _clean_name(name)
    if user.animas is not None and name not in (None, target.anima.name):
        raise ScopeError("This key is for certain animas only and cannot rename one.")
    stored = await core.database.write(
        store.update,
        target.anima_no,
        name=name,
        description=_clean_text(description),
        meta=clean_meta(meta),
        settings=clean_settings(settings),
        now=core.clock.now(),
    )
    if stored is None:
        raise ConflictError(f"There already is an anima {name!r}.", hint="Choose another name.")
    return stored.anima


async def give(core: Core, user: User, ref: UUID | str, *, owner: str) -> Anima:
    """Let an anima be another user's, with all that belongs to it.

    What it was granted, and what was granted of it, ends.

    Raises:
        ValidationError: the owner's name is blank or too long.
        NotFoundError: an unknown anima or owner.
        ConflictError: the owner has another anima of that name.
    """
    from elephantasm_mcp.memory.keys import clean_name  # whoever has a server

    owner, now = clean_name(owner, field="owner"), core.clock.now()
    target = await find(core, user, ref)

    def hand_over(tx: Tx) -> StoredAnima | None:
        to = store.find_user(tx, owner)
        if to is None:
            raise NotFoundError(
                f"There is no user {owner!r}.",
                hint="`elephantasm-mcp keys create NAME --user USER` makes one.",
            )
        if not store.give(tx, target.anima_no, owner=to, now=now):
            return None
        work_orders.give(tx, target.anima_no, user_no=to)
        packs.give(tx, target.anima_no, user_no=to)
        grants.end_all(tx, target.anima_no, now=now)
        trust.remove_all(tx, target.anima_no)
        return store.get(tx, target.anima_no)

    stored = await core.database.write(hand_over)
    if stored is None:
        raise ConflictError(
            f"{owner} already has an anima {target.anima.name!r}.", hint="Rename one of them."
        )
    return stored.anima


async def resolve(core: Core, user: User, ref: AnimaRef) -> Anima:
    """The anima of that id or name; None is the default one, made on first use.

    Raises:
        NotFoundError: there is none; the hint lists the known ones.
    """
    return (await find(core, user, ref)).anima


async def find(core: Core, user: User, ref: AnimaRef) -> StoredAnima:
    """`resolve`, for services: with the anima's number, settings and counters."""
    core = as_asked(core)
    stored = await core.database.read(look_up, core, user, ref)
    stored = stored or await core.database.write(find_or_make, core, user, ref)
    say_default(core, ref, stored)
    return stored


def as_asked(core: Core) -> Core:
    """The ports, with the default anima that who asks has of its own, if any."""
    own = brought_along()
    return core if own is None else replace(core, default_anima=own, project=None)


def look_up(tx: Tx, core: Core, user: User, ref: AnimaRef) -> StoredAnima | None:
    """The anima that is meant, if there is one."""
    return store.find(tx, user, wanted(tx, core, user, ref))


def say_default(core: Core, ref: AnimaRef, stored: StoredAnima) -> None:
    """Tell whoever answers that it was the default one, and why not that of a project's file."""
    if ref is None:
        name, claim = stored.anima.name, _claim_of_another(core, stored)
        note = f"{name!r}: {_said(claim)} {_settled(claim, name)}" if claim else None
        take(name, note or _unheard(core.project, name))


def _claim_of_another(core: Core, stored: StoredAnima) -> Claim | None:
    """The claim on an anima, unless it is the project at hand that has it."""
    at_hand = None if core.project is None else core.project.name
    return None if stored.claim is None or stored.claim.project == at_hand else stored.claim


def _said(claim: Claim) -> str:
    return (
        f"{FILE_NAME} of the project {to_line(claim.project)} named it first, so who works there"
        " reads it."
    )


def _settled(claim: Claim, name: str) -> str:
    words = shlex.join([to_line(name), to_line(claim.folder)])
    trusted = f"elephantasm-mcp animas trust {words}"
    return f"`{trusted} --remove` makes it yours alone, `{trusted}` shares it on."


def find_or_make(tx: Tx, core: Core, user: User, ref: AnimaRef) -> StoredAnima:
    """`find`, as part of a transaction that writes."""
    name = wanted(tx, core, user, ref)
    stored = store.find(tx, user, name)
    if stored is not None:
        return stored
    if ref is None and user.animas is not None:
        return _only_one(tx, user)
    if ref is None and user.makes and isinstance(name, str) and parse_uuid(name) is None:
        return _make_default(tx, core, user, name)
    names = [one.anima.name for one in store.list_for(tx, user)]
    raise NotFoundError(f"There is no anima {str(name)!r}.", hint=_known(str(name), names))


def _make_default(tx: Tx, core: Core, user: User, name: str) -> StoredAnima:
    now, project = core.clock.now(), core.project
    where = None if project is None else f"Made for the project in {to_line(str(project.root))}."
    request = AnimaCreate(name=_clean_name(name), description=where)
    made, _ = store.add(tx, user, request, uuid=core.ids.uuid(), now=now)
    if project is not None and name == project.asked:
        trust.add(tx, made.anima_no, project, now=now)
    return made


def _only_one(tx: Tx, user: User) -> StoredAnima:
    """The default of who sees certain animas only: the one, if there is one.

    Raises:
        NotFoundError: there are several, or none.
    """
    seen = store.list_for(tx, user)
    if len(seen) == 1:
        return seen[0]
    if not seen:
        raise NotFoundError(
            "There is none of the animas that this key opens.", hint="Ask for another key."
        )
    names = [one.anima.name for one in seen]
    raise NotFoundError("Name an anima: this key has no default.", hint=_known("", names))


def _no_more_animas() -> ScopeError:
    return ScopeError(
        "This key is for certain animas only and cannot make one.",
        hint="Use one of those, or another key.",
    )


async def overview(
    core: Core, user: User, *, after: UUID | None = None, limit: int | None = None
) -> list[AnimaOverview]:
    """The animas of the user with what they hold, oldest first, behind one of them.

    All of them without a limit.

    Raises:
        NotFoundError: the user has no such anima as `after`.
    """
    return await core.database.read(_overview, as_asked(core), user, after, limit)


async def marks(core: Core) -> dict[UUID, Mark]:
    """The revision of the state behind each anima's pack, of all users: what moved has changed."""
    return await core.database.read(store.marks)


def clean_meta(meta: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a caller attaches, as it will be read back: plain JSON values, mended.

    Raises:
        ValidationError: it is not JSON.
    """
    try:
        mended: dict[str, Any] | None = from_json(repair(to_json(meta))[0])
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError(
            "`meta` is not JSON, or nested too deeply.",
            field="meta",
            hint='Give plain values, such as {"channel": "email"}.',
        ) from error
    return mended


def clean_settings(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is given of an anima's settings, each checked, as JSON has them.

    Raises:
        ValidationError: an unknown setting, or a value that breaks its rule.
    """
    if settings is None:
        return None
    try:
        checked = SettingsChange.model_validate(settings)
    except PydanticValidationError as error:
        schema = SettingsChange.model_json_schema()
        raise rejected(error, owner="settings", schema=schema) from None
    for pattern in checked.never_store:
        if fault := complaint(pattern):
            raise ValidationError(
                f"A pattern of `never_store` {fault}.",
                field="never_store",
                hint='Give texts such as "ACME-####" or "Project Phoenix": `#` is a digit, `?` any '
                "character, `*` the rest of a word.",
            )
    return checked.model_dump(mode="json", exclude_unset=True)


def _clean_text(text: str | None) -> str | None:
    return None if text is None else repair(text)[0]


def _clean_name(name: str) -> str:
    name = one_line(name)
    if not name:
        raise ValidationError(
            "`name` is blank.", field="name", hint='Give the anima a name, such as "my-agent".'
        )
    return name


def wanted(tx: Tx, core: Core, user: User, ref: AnimaRef) -> UUID | str:
    """The id or name that is meant."""
    meant = _default(tx, core, user) if ref is None else ref
    return one_line(meant) if isinstance(meant, str) else meant


def _default(tx: Tx, core: Core, user: User) -> UUID | str:
    """The default anima: what a project's file names, if it may, else the one of the settings.

    A file may name an anima that there is not yet, which is then made and its own, or one that
    somebody allowed it. Whoever publishes a repository must not reach other memories by their name.
    """
    project = core.project
    asked = None if project is None else project.asked
    if project is None or asked is None or asked == project.name:
        return core.default_anima
    found = store.find(tx, user, asked)
    if found is None:
        names = [one.anima.name for one in store.list_for(tx, user)]
        return asked if may_be_new(asked, beside=names) else core.default_anima
    return found.id if trust.is_trusted(tx, found.anima_no, project) else core.default_anima


def _unheard(project: Project | None, taken: str) -> str | None:
    """Why a project's file was not listened to; None when it was, or when there is none.

    The name stays in the file: whoever wrote it could say anything by it.
    """
    asked = None if project is None else project.asked
    if asked is None or asked == taken:
        return None if project is None else project.note
    return (
        f"{FILE_NAME} names an anima that this project was not allowed, so it has its own."
        " `elephantasm-mcp animas trust NAME` in its folder allows it, with the name in that file."
    )


def one_line(name: str) -> str:
    """A name as an anima has it."""
    return " ".join(repair(name)[0].split())


def _known(wanted: str, names: list[str]) -> str:
    if not names:
        return "There are none yet; `create_anima` makes one."
    near = nearest(wanted, names)
    shown = ", ".join(to_line(name, max_chars=_NAME_CHARS) for name in names[:_NAMES_SHOWN])
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    guess = f"Did you mean {near!r}? " if near else ""
    return f"{guess}Known: {shown}{more}. `create_anima` makes a new one."


def _overview(
    tx: Tx, core: Core, user: User, after: UUID | None, limit: int | None
) -> list[AnimaOverview]:
    seen = store.list_for(tx, user)
    default = str(wanted(tx, core, user, None))
    first = 0 if after is None else _behind([one.id for one in seen], after)
    last = None if limit is None else first + limit
    return [
        AnimaOverview(
            id=one.id,
            name=one.anima.name,
            description=one.anima.description,
            pending_events=one.pending_events,
            last_event_at=one.last_event_at,
            default=default in {one.anima.name, str(one.id)},
            **store.counts(tx, one.anima_no),
        )
        for one in seen[first:last]
    ]


def _behind(ids: list[UUID], after: UUID) -> int:
    if after not in ids:
        raise NotFoundError("The anima that `cursor` names is gone.", hint="Begin without it.")
    return ids.index(after) + 1
