"""The OpenAPI document: what the interface says of itself.

Owns the words and examples that are not beside a route's own code. Invariant: every route says what
it answers, with an example of its own, and how it refuses.
"""

from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from elephantasm_mcp.access import NEEDS
from elephantasm_mcp.http.answers import Health
from elephantasm_mcp.http.examples import ANSWERS, BODIES
from elephantasm_mcp.http.refusals import ErrorAnswer

Responses: TypeAlias = dict[int | str, dict[str, Any]]

DESCRIPTION: Final = """\
Long-term memory for AI agents. Record events; memories, knowledge and an identity are made of them;
a memory pack is what an agent reads before it answers.

An *anima* is one isolated memory space. `{anima}` is its id or, as long as that has no slash, its
name. Rows have an id and a short handle: `e341` an event, `m12` a memory, `k7` knowledge, `d3` a
dream.

Lists are JSON arrays in pages: while there is more, the header `Link` has the address of the next
page, and `X-Next-Cursor` the `cursor` for it. Times are ISO 8601; one without a zone is UTC.

What is refused is answered with one sentence in `detail` and a `code` for programs. Send the key as
`Authorization: Bearer sk_live_…`; a server of one's own without keys takes none.
"""
TAGS: Final = [
    {"name": "events", "description": "What was said and done."},
    {"name": "animas", "description": "Isolated memory spaces."},
    {"name": "packs", "description": "The compiled context for a prompt."},
    {"name": "search", "description": "What is remembered, and where it comes from."},
    {"name": "layers", "description": "Memories, knowledge and identity, as they are."},
    {"name": "dreams", "description": "How memories are made and changed; all can be undone."},
    {"name": "people", "description": "A person's hand: putting right, forgetting."},
    {"name": "grants", "description": "What one anima may read of another."},
    {"name": "export", "description": "Everything, to take along."},
    {"name": "health", "description": "How the server is."},
]

_SAID: Final = {
    400: "The body is no JSON in UTF-8, or nested too deeply.",
    401: "There is no key, or not a good one.",
    403: "The key is not good for this.",
    404: "There is no such thing, or it is somebody else's.",
    409: "A later change stands in the way.",
    413: "The body is longer than 1 MB.",
    415: "The body says that it is no JSON.",
    422: "A field breaks a rule; `detail` names both.",
    500: "Something failed inside the server.",
    503: "The database cannot be used.",
}
_RETRY: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}
REFUSALS: Final[Responses] = {
    **{status: {"model": ErrorAnswer, "description": said} for status, said in _SAID.items()},
    429: {"model": ErrorAnswer, "description": "Too many requests.", "headers": _RETRY},
}
CREATED: Final[Responses] = {
    200: {"description": "It was there before."},
    201: {"description": "It is new."},
}
PAGED: Final[Responses] = {
    200: {
        "headers": {
            "Link": {
                "description": 'The next page, as `<address>; rel="next"`; absent on the last.',
                "schema": {"type": "string"},
            },
            "X-Next-Cursor": {
                "description": "The `cursor` of the next page; absent on the last.",
                "schema": {"type": "string"},
            },
        }
    }
}
LINES: Final[Responses] = {
    200: {
        "description": "One JSON object a line.",
        "content": {"application/jsonl": {"schema": {"type": "string"}}},
    }
}
UNWELL: Final[Responses] = {503: {"model": Health, "description": "The database does not answer."}}
_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`sk_live_…`), or a token of the configured issuer.",
}


def document(api: FastAPI) -> dict[str, Any]:
    """The whole document."""
    made = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        tags=api.openapi_tags,
        routes=api.routes,
    )
    made["components"]["securitySchemes"] = {"bearer": _BEARER}
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            _complete(operation, name=f"{method.upper()} {path}")
    return made


def _complete(operation: dict[str, Any], *, name: str) -> None:
    """Add who may ask, and examples."""
    keys: list[dict[str, list[str]]] = [] if NEEDS[name] is None else [{"bearer": []}]
    operation["security"] = keys
    if name in BODIES:
        (content,) = operation["requestBody"]["content"].values()
        content["example"] = BODIES[name]
    answers = operation["responses"]
    for content in answers["200"]["content"].values():
        content["example"] = ANSWERS[name]
    if "201" in answers:
        answers["201"]["content"] = answers["200"]["content"]
    operation["responses"] = dict(sorted(answers.items()))
