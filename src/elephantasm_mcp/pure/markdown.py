"""Markdown: remembered text put into a page so that it stays text, and names of files.

Owns the escaping. Invariant: whatever was remembered, it opens no heading, list, link, code or HTML
in the page that it stands in, and a file's name holds no path and nothing that a system reserves.
"""

import re
from collections.abc import Container
from typing import Final

from elephantasm_mcp.pure.text import to_line

MAX_NAME_CHARS: Final = 48
_ESCAPED: Final = re.compile(r"([\\`*_{}\[\]()#|~!$^=])")
_LEADING: Final = re.compile(r"^(\d{1,9})([.)])|^([-+])")
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}
)
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def inline(text: str) -> str:
    """Text as one line of a page, whole."""
    escaped = _ESCAPED.sub(r"\\\1", to_line(text, max_chars=None).translate(_ENTITIES))
    # nothing becomes a link by itself: "://" and "www." are what renderers look for
    escaped = escaped.replace("://", ":&#47;/").replace("www.", "www&#46;")
    return _LEADING.sub(lambda found: _escape_lead(found), escaped)


def quoted(text: str) -> str:
    """Text as a quotation, line for line."""
    lines = [f"> {inline(line)}".rstrip() for line in text.splitlines()] or [">"]
    return "\\\n".join(lines).replace(">\\\n", ">\n")


def file_name(text: str, *, taken: Container[str]) -> str:
    """A name that all systems take, like `text` as far as possible, and not among those taken."""
    kept = "".join(char if char.isalnum() or char in "-_" else "-" for char in text.casefold())
    name = re.sub("-{2,}", "-", kept).strip("-")[:MAX_NAME_CHARS].strip("-") or "anima"
    if name in _RESERVED:
        name = f"{name}-anima"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _escape_lead(found: "re.Match[str]") -> str:
    return f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}"
