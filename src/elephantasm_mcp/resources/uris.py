"""URIs: how resources of an anima are called.

Owns the spelling of `anima://…` and nothing of what stands there. Invariant: an anima's name is
never read as a path, so any name may stand in a URI.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import quote
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

_URI = re.compile(r"anima://[^/]+/(pack|identity|dreams)")


def uri_of(anima: UUID | str, view: View) -> str:
    """The URI of a view of an anima, by id or name."""
    return f"anima://{quote(str(anima), safe='')}/{view}"


def spellings(anima_id: UUID, name: str, view: View) -> Iterator[str]:
    """Every URI by which a client may have asked for a view."""
    yield uri_of(anima_id, view)
    yield from dict.fromkeys((uri_of(name, view), f"anima://{name}/{view}"))


def is_resource(uri: str) -> bool:
    """Whether a URI has the form of one of ours."""
    return _URI.fullmatch(uri) is not None
