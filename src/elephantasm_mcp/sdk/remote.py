"""The memory on a server.

Owns which route does what, and what an answer must be. Invariant: what comes out has the types that
the memory in this process has, or it is a `ServerError`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, final
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import NotFoundError, ScopeError, ValidationError
from elephantasm_mcp.projects import Project
from elephantasm_mcp.projects.files import FILE_NAME
from elephantasm_mcp.sdk.connection import NOTHING, Answer, Connection, Parameters, nonsense
from elephantasm_mcp.sdk.requests import AnimaUpdate, Listing
from elephantasm_mcp.settings import Settings
from elephantasm_mcp.types.defaults import take
from elephantasm_mcp.types.grants import Grant, GrantRequest
from elephantasm_mcp.types.reading import (
    AnimaRef,
    IdentityContext,
    MemoryPack,
    PackQuery,
    SearchHit,
    SearchHits,
    SearchQuery,
)
from elephantasm_mcp.types.records import (
    Anima,
    AnimaCreate,
    AnimaOverview,
    Event,
    EventCreate,
    Knowledge,
    Memory,
    Record,
    parse_uuid,
)
from elephantasm_mcp.types.views import (
    CurateReport,
    Curation,
    DreamReport,
    ForgetReport,
    ForgetRequest,
    Phase,
    RedactReport,
    Trace,
    UndoReport,
    Usefulness,
)

T = TypeVar("T")
RowT = TypeVar("RowT", bound=BaseModel)

PAGE: Final = 1_000
DREAMS_PAGE: Final = 100
NULL: Final = b"null"


class Found(Record):
    """What a search answers."""

    hits: list[SearchHit]
    mode: str


@final
class Remote:
    """A `Backend` over a connection.

    The default anima is this client's, by the settings, and made on the server on first use.
    """

    def __init__(
        self, connection: Connection, *, default: str, project: Project | None = None
    ) -> None:
        """`project`: whose own anima is the default one, whatever a file of it says.

        Which project may name which anima is known where the animas are, and a server does not know
        this machine's folders.
        """
        self._connection: Final = connection
        self._default: Final = project.name if project else default
        self._named: Final = not project and default != Settings.model_fields["anima_id"].default
        self._note: Final = _unheard(project) if project else None

    async def create_anima(self, request: AnimaCreate) -> Anima:
        """See `Backend`."""
        return self._one(Anima, await self._post("/api/animas", _body(request)))

    async def animas(self) -> list[AnimaOverview]:
        """See `Backend`."""
        found = await self._list(AnimaOverview, "/api/animas")
        names = (self._default, str(parse_uuid(self._default)))
        return [
            one.model_copy(update={"default": one.name == self._default or str(one.id) in names})
            for one in found
        ]

    async def update_anima(self, anima: UUID | str, change: AnimaUpdate) -> Anima:
        """See `Backend`."""
        path = await self._anima_path(anima)
        return self._one(Anima, await self._connection.ask("PATCH", path, body=_body(change)))

    async def delete_anima(self, anima: UUID | str) -> None:
        """See `Backend`."""
        answer = await self._connection.ask("DELETE", await self._anima_path(anima))
        self._one(ForgetReport, answer)

    async def record(self, requests: Sequence[EventCreate]) -> list[Event]:
        """See `Backend`. What carries a `dedupe_key` may be sent twice."""
        repeatable = all(one.dedupe_key for one in requests)

        async def send(default: UUID | str) -> list[Event]:
            bodies = [{"anima_id": str(default)} | _body(one) for one in requests]
            if len(bodies) == 1:
                answer = await self._post("/api/events", bodies[0], repeatable=repeatable)
                return [self._one(Event, answer)]
            answer = await self._post(
                "/api/events/batch", {"events": bodies}, repeatable=repeatable
            )
            events = self._many(Event, answer)
            if len(events) != len(requests):
                raise nonsense(self._connection.endpoint)
            return events

        given = all(one.anima_id is not None for one in requests)
        return await (send(self._default) if given else self._within(None, send))

    async def inject(self, request: PackQuery, *, client: str) -> MemoryPack | None:
        """See `Backend`. To the server this client is one of its REST clients."""
        del client
        answer = await self._read(
            request.anima, "/memory-packs/latest", _body(request, but={"anima"})
        )
        if answer.content == NULL:
            return None
        pack = self._one(MemoryPack, answer)
        self._checked(lambda: pack.layers)
        return pack

    async def search(self, request: SearchQuery) -> SearchHits:
        """See `Backend`."""
        query = _body(request, but={"anima"})
        found = self._one(Found, await self._read(request.anima, "/search", query))
        return SearchHits(found.hits, mode=found.mode)

    async def events(self, anima: AnimaRef, asked: Listing) -> list[Event]:
        """See `Backend`."""
        query = {"session_id": asked.session_id, "since": asked.since, "until": asked.until}

        async def read(place: UUID | str) -> list[Event]:
            where = query | {"anima_id": place}
            return await self._list(Event, "/api/events", where, limit=asked.limit)

        return await self._within(anima, read)

    async def memories(self, anima: AnimaRef, asked: Listing) -> list[Memory]:
        """See `Backend`."""
        return await self._layer(
            Memory, anima, "/memories", {"state": asked.state}, limit=asked.limit
        )

    async def knowledge(self, anima: AnimaRef, asked: Listing) -> list[Knowledge]:
        """See `Backend`."""
        query = {"include_superseded": asked.include_superseded}
        return await self._layer(Knowledge, anima, "/knowledge", query, limit=asked.limit)

    async def identity(self, anima: AnimaRef) -> IdentityContext | None:
        """See `Backend`."""
        answer = await self._read(anima, "/identity")
        return None if answer.content == NULL else self._one(IdentityContext, answer)

    async def dreams(self, anima: AnimaRef, asked: Listing) -> list[DreamReport]:
        """See `Backend`."""
        return await self._layer(DreamReport, anima, "/dreams", limit=asked.limit, page=DREAMS_PAGE)

    async def dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """See `Backend`."""
        return await self._write(DreamReport, anima, "/dreams", {"phase": phase})

    async def plan_dream(self, anima: AnimaRef, *, phase: Phase) -> DreamReport:
        """See `Backend`."""
        return await self._write(DreamReport, anima, "/dreams", {"phase": phase, "dry_run": True})

    async def complete_plan(self, plan: UUID | str, *, accept: Sequence[int]) -> DreamReport:
        """See `Backend`."""
        body = {"plan": str(plan), "accept": list(accept)}
        return await self._write(DreamReport, None, "/dreams/complete", body)

    async def complete_order(
        self, order: str, *, proposals: Mapping[str, Any], client: str
    ) -> DreamReport:
        """See `Backend`. To the server this client is one of its REST clients."""
        del client
        body = {"work_order": order, "proposals": proposals}
        return await self._write(DreamReport, None, "/dreams/complete", body)

    async def undo_dream(self, dream: str) -> UndoReport:
        """See `Backend`."""
        path = f"/dreams/{_row(dream, 'dream', example='d3')}/undo"
        return await self._write(UndoReport, None, path)

    async def trace(self, row: str, request: PackQuery) -> Trace:
        """See `Backend`."""
        granted = ":" in row  # acme/app:k7 has the name of its anima
        parts = row.split("/") if granted else [row]
        path = "/".join(["/trace", *(_row(one, "handle", example="m12") for one in parts)])
        answer = await self._read(request.anima, path, {"query": request.query})
        return self._one(Trace, answer)

    async def curate(self, request: Curation) -> CurateReport:
        """See `Backend`."""
        body = {"id": request.handle} | _body(request, but={"anima", "handle"})
        return await self._write(CurateReport, request.anima, "/curate", body)

    async def forget(self, request: ForgetRequest, *, dry_run: bool) -> ForgetReport:
        """See `Backend`."""
        body = _body(request, but={"anima", "handles"}) | {"dry_run": dry_run}
        if request.handles is not None:
            body["ids"] = list(request.handles)
        return await self._write(ForgetReport, request.anima, "/forget", body)

    async def redact(self, anima: AnimaRef, *, dry_run: bool) -> RedactReport:
        """See `Backend`."""
        return await self._write(RedactReport, anima, "/redact", {"dry_run": dry_run})

    async def usefulness(self, anima: AnimaRef, *, days: int) -> Usefulness:
        """See `Backend`."""
        return self._one(Usefulness, await self._read(anima, "/usefulness", {"days": days}))

    async def grants(self, anima: AnimaRef) -> list[Grant]:
        """See `Backend`."""
        if anima is not None:
            return await self._list_grants(anima)
        found = [one for each in await self.animas() for one in await self._list_grants(each.id)]
        return list({one.id: one for one in found}.values())

    async def grant(self, source: UUID | str, request: GrantRequest) -> Grant:
        """See `Backend`."""
        return await self._write(Grant, source, "/grants", _body(request))

    async def revoke_grant(self, grant: str) -> Grant:
        """See `Backend`. A route names an anima, so that of the grant is looked for."""
        name = _row(grant, "id", example="the `id` that `grants` shows")
        for each in await self.animas():
            if any(str(one.id) == grant for one in await self._list_grants(each.id)):
                path = await self._anima_path(each.id) + f"/grants/{name}"
                return self._one(Grant, await self._connection.ask("DELETE", path))
        raise NotFoundError(f"There is no grant {grant!r}.", hint="`grants` lists them.")

    async def _list_grants(self, anima: UUID | str) -> list[Grant]:
        return self._many(Grant, await self._read(anima, "/grants"))

    async def _read(self, anima: AnimaRef, path: str, query: Parameters = NOTHING) -> Answer:
        """What stands at a path of an anima."""

        async def read(place: UUID | str) -> Answer:
            where = await self._anima_path(place) + path
            return await self._connection.ask("GET", where, query=query)

        return await self._within(anima, read)

    async def _write(
        self, model: type[RowT], anima: AnimaRef, path: str, body: object = None
    ) -> RowT:
        """What becomes of a body that is sent to a path of an anima."""

        async def write(place: UUID | str) -> Answer:
            return await self._post(await self._anima_path(place) + path, body)

        return self._one(model, await self._within(anima, write))

    async def _post(self, path: str, body: object, *, repeatable: bool = False) -> Answer:
        return await self._connection.ask("POST", path, body=body, repeatable=repeatable)

    async def _layer(
        self,
        model: type[RowT],
        anima: AnimaRef,
        path: str,
        query: Parameters = NOTHING,
        *,
        limit: int | None,
        page: int = PAGE,
    ) -> list[RowT]:
        """What an anima holds of one kind."""

        async def read(place: UUID | str) -> list[RowT]:
            where = await self._anima_path(place) + path
            return await self._list(model, where, query, limit=limit, page=page)

        return await self._within(anima, read)

    async def _list(
        self,
        model: type[RowT],
        path: str,
        query: Parameters = NOTHING,
        *,
        limit: int | None = None,
        page: int = PAGE,
    ) -> list[RowT]:
        """The first rows of a list, or all of them, page by page."""
        rows: list[RowT] = []
        cursor: str | None = None
        while True:
            wanted = page if limit is None else min(page, limit - len(rows))
            asked = {**query, "limit": wanted, "cursor": cursor}
            answer = await self._connection.ask("GET", path, query=asked)
            found = self._many(model, answer)
            rows += found
            if answer.cursor is None or len(rows) == limit:
                return rows
            if not found or len(found) > wanted or answer.cursor == cursor:
                raise nonsense(self._connection.endpoint)
            cursor = answer.cursor

    async def _within(self, anima: AnimaRef, do: Callable[[UUID | str], Awaitable[T]]) -> T:
        """Do something with an anima; the default one is made in case that is what was missing.

        What was answered with 404 was not done, so it may be tried again.
        """
        if anima is not None:
            return await do(anima)
        take(self._default, self._note)
        try:
            return await do(self._default)
        except NotFoundError:
            made = await self._make_default()
            if made is None:
                raise
        take(made.name, self._note)
        return await do(made.id)

    async def _make_default(self) -> Anima | AnimaOverview | None:
        """The default anima, which may have been there; None when it cannot be made.

        Whose key is for one anima only, and names no other, means that one.
        """
        if parse_uuid(self._default) is not None:
            return None
        try:
            answer = await self._post("/api/animas", {"name": self._default})
        except ScopeError:
            if self._named:
                return None
            seen = await self._list(AnimaOverview, "/api/animas")
            return seen[0] if len(seen) == 1 else None
        return self._one(Anima, answer)

    async def _anima_path(self, anima: UUID | str) -> str:
        """The path of an anima; a name that cannot stand in one is looked up.

        Raises:
            NotFoundError: it has to be looked up, and there is none.
        """
        text = str(anima)
        if "/" not in text and text.strip("."):
            return f"/api/animas/{quote(text, safe='')}"
        for one in await self._list(AnimaOverview, "/api/animas"):
            if one.name == text:
                return f"/api/animas/{one.id}"
        raise NotFoundError(f"There is no anima {text!r}.")

    def _one(self, model: type[RowT], answer: Answer) -> RowT:
        return self._checked(lambda: model.model_validate_json(answer.content))

    def _many(self, model: type[RowT], answer: Answer) -> list[RowT]:
        return self._checked(lambda: TypeAdapter(list[model]).validate_json(answer.content))

    def _checked(self, read: Callable[[], T]) -> T:
        """What an answer says.

        Raises:
            ServerError: it is not what was asked for.
        """
        try:
            return read()
        except PydanticValidationError:
            raise nonsense(self._connection.endpoint) from None


def _body(request: BaseModel, *, but: set[str] | None = None) -> dict[str, Any]:
    """What was given of a request, but for some fields, as JSON has it."""
    return request.model_dump(mode="json", exclude=but, exclude_unset=True, exclude_none=True)


def _unheard(project: Project) -> str | None:
    """Why a project's file is not listened to."""
    if project.asked in (None, project.name):
        return project.note
    return f"{FILE_NAME} is not listened to where the memory is on a server."


def _row(text: str, field: str, *, example: str) -> str:
    """A handle or an id as it stands in a path.

    Raises:
        ValidationError: it cannot stand there, so it is none.
    """
    if "/" in text or not text.strip(". "):
        raise ValidationError(f"{text!r} is no handle and no id. Example: {example}.", field=field)
    return quote(text, safe="", errors="replace")
