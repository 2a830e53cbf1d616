"""Access: which tool, resource, prompt and route needs which scope.

Owns the one table that MCP and REST both read. Who asks is in `types/callers.py`. Invariant: what
is not in the table is not served: `check` refuses to start a server that would.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from elephantasm_mcp.errors import ScopeError, ServerError
from elephantasm_mcp.types.callers import Caller, Scope

CALLER: Final = "caller"
"""Where the state of an HTTP request holds its `Caller`."""
_TOOLS: Final = {
    "get_memory_pack": Scope.READ,
    "search_memory": Scope.READ,
    "trace_memory": Scope.READ,
    "list_animas": Scope.READ,
    "extract_event": Scope.WRITE,
    "create_anima": Scope.WRITE,
    "curate_memory": Scope.WRITE,
    "forget_memory": Scope.WRITE,
    "dream": Scope.WRITE,
    "complete_dream": Scope.WRITE,
    "undo_dream": Scope.WRITE,
}
_RESOURCES: Final = {
    "anima://{anima}/pack": Scope.READ,
    "anima://{anima}/identity": Scope.READ,
    "anima://{anima}/dreams": Scope.READ,
}
_PROMPTS: Final = {
    "prompt recall": Scope.READ,
    "prompt about_me": Scope.READ,
    "prompt dream": Scope.WRITE,
}
_ROUTES: Final[dict[str, Scope | None]] = {
    "GET /api/health": None,
    "POST /api/events": Scope.WRITE,
    "POST /api/events/batch": Scope.WRITE,
    "GET /api/events": Scope.READ,
    "POST /api/animas": Scope.WRITE,
    "GET /api/animas": Scope.READ,
    "PATCH /api/animas/{anima}": Scope.WRITE,
    "DELETE /api/animas/{anima}": Scope.ADMIN,
    "GET /api/animas/{anima}/memory-packs/latest": Scope.READ,
    "GET /api/animas/{anima}/search": Scope.READ,
    "GET /api/animas/{anima}/trace/{row}": Scope.READ,
    "GET /api/animas/{anima}/memories": Scope.READ,
    "GET /api/animas/{anima}/knowledge": Scope.READ,
    "GET /api/animas/{anima}/identity": Scope.READ,
    "GET /api/animas/{anima}/export": Scope.READ,
    "GET /api/animas/{anima}/dreams": Scope.READ,
    "POST /api/animas/{anima}/dreams": Scope.WRITE,
    "POST /api/animas/{anima}/dreams/complete": Scope.WRITE,
    "GET /api/animas/{anima}/dreams/{dream}": Scope.READ,
    "POST /api/animas/{anima}/dreams/{dream}/undo": Scope.WRITE,
    "POST /api/animas/{anima}/curate": Scope.WRITE,
    "POST /api/animas/{anima}/forget": Scope.WRITE,
    "POST /api/animas/{anima}/redact": Scope.WRITE,
    "GET /api/animas/{anima}/usefulness": Scope.READ,
    "GET /api/animas/{anima}/grants": Scope.READ,
    "POST /api/animas/{anima}/grants": Scope.ADMIN,
    "DELETE /api/animas/{anima}/grants/{grant}": Scope.ADMIN,
}
_PAGES: Final[dict[str, Scope | None]] = {
    "GET /openapi.json": None,
    "GET /docs": None,
    "GET /redoc": None,
    "GET /docs/{asset}": None,
}
NEEDS: Final[Mapping[str, Scope | None]] = MappingProxyType(
    {**_TOOLS, **_RESOURCES, **_PROMPTS, **_ROUTES, **_PAGES}
)
"""By tool, resource template, prompt (`prompt NAME`) and route (`METHOD /path`); None: nobody has
to be anybody."""


def check(served: Iterable[str]) -> None:
    """Refuse to serve what is not in the table.

    Raises:
        ServerError: something is missing there.
    """
    missing = sorted(set(served) - NEEDS.keys())
    if missing:
        raise ServerError(f"It is not said which scope these need: {', '.join(missing)}.")


def require(caller: Caller, name: str) -> None:
    """Let a caller pass who may use what is called so in the table.

    Raises:
        ScopeError: the scopes do not cover it.
    """
    needed = NEEDS[name]
    if needed is not None and not caller.may(needed):
        raise ScopeError(
            f"This key may not do that: it needs the scope `{needed}`.",
            hint="Ask who runs the server for another key.",
        )
