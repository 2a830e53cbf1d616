"""Links that add the server to an editor with one click.

Owns how the published package is started, and how each editor wants to be told. Invariant: a link
holds no secret, and starts the same command as `server.json` says.

After "MCP developer guide" of the documentation of VS Code (`vscode:mcp/install?` and an object in
JSON) and "MCP Install Links" of Cursor's (`name`, and the configuration in base64). Where pages are
shown that link to `http` alone, as code forges show a README, the editors' own pages pass them on.
"""

import base64
import json
from typing import Final
from urllib.parse import quote, urlencode

NAME: Final = "elephantasm"
COMMAND: Final = "uvx"
ARGS: Final = ("elephantasm-mcp",)
ENV: Final = {"ELEPHANTASM_ANIMA_ID": "project"}
"""In an editor the memory is the project's."""


def server() -> dict[str, object]:
    """The configuration of the server, as editors write it down."""
    return {"command": COMMAND, "args": list(ARGS), "env": dict(ENV)}


def vscode(scheme: str = "vscode") -> str:
    """A link that VS Code opens; with `vscode-insiders` its preview."""
    return f"{scheme}:mcp/install?{quote(_json({'name': NAME, **server()}), safe='')}"


def cursor() -> str:
    """A link that Cursor opens."""
    return f"cursor://anysphere.cursor-deeplink/mcp/install?{_cursor_query()}"


def deep_links() -> dict[str, str]:
    """What a web page links to, by editor."""
    return {
        "vscode": vscode(),
        "vscode-insiders": vscode("vscode-insiders"),
        "cursor": cursor(),
    }


def web_links() -> dict[str, str]:
    """The same over the editors' own pages, by title."""
    return {
        "VS Code": f"https://vscode.dev/redirect?url={quote(vscode(), safe='')}",
        "VS Code Insiders": "https://insiders.vscode.dev/redirect?url="
        + quote(vscode("vscode-insiders"), safe=""),
        "Cursor": f"https://cursor.com/en/install-mcp?{_cursor_query()}",
    }


def markdown() -> str:
    """One line of links for a README; no images, which would be fetched from somebody else."""
    return " · ".join(f"[Add to {title}]({link})" for title, link in web_links().items())


def _cursor_query() -> str:
    config = base64.b64encode(_json(server()).encode()).decode()
    return urlencode({"name": NAME, "config": config})


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
