"""URIs: how resources of an anima are called.

Owns the spelling of `anima://…` and nothing of what stands there. Invariant: an anima's name is
never read as a path, so any name may stand in a URI.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import quote, unquote
from uuid import UUID

from mcp.server.mcpserver import ResourceSecurity

View = Literal["pack", "identity", "dreams"]
MARKDOWN: Final = "text/markdown"
ANY_NAME: Final = ResourceSecurity(exempt_params={"anima"})
"""Names are looked up in the database only; one that looks like a path is as good as any."""
NO_SUCH_RESOURCE: Final = (
    "There is no such resource. Resources are anima://{anima}/pack, anima://{anima}/identity and "
    "anima://{anima}/dreams."
)

PACKS: Final = "anima://{anima}/pack"
"""The template of packs, which alone are listed."""

_URI = re.compile(r"anima://([^/]+)/(pack|identity|dreams)")


def uri_of(anima: UUID | str, view: View) -> str:
    """The URI of a view of an anima, by id or name."""
    return f"anima://{quote(str(anima), safe='')}/{view}"


def spellings(anima_id: UUID, name: str, view: View) -> Iterator[str]:
    """Every URI by which a client may have asked for a view."""
    yield uri_of(anima_id, view)
    yield from dict.fromkeys((uri_of(name, view), f"anima://{name}/{view}"))


def template_of(uri: str) -> str | None:
    """The template that one of our URIs is of; None for any other URI."""
    match = _URI.fullmatch(uri)
    return f"anima://{{anima}}/{match[2]}" if match else None


def anima_in(uri: str) -> str | None:
    """The id or name that one of our URIs holds; None for any other URI."""
    match = _URI.fullmatch(uri)
    return unquote(match[1]) if match else None
