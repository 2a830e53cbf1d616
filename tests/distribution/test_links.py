"""The install links: what an editor reads out of them."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

import links

WANTED = {
    "command": "uvx",
    "args": ["elephantasm-mcp"],
    "env": {"ELEPHANTASM_ANIMA_ID": "project"},
}


def read_vscode(link: str) -> dict[str, object]:
    scheme, _, rest = link.partition(":")
    assert scheme in {"vscode", "vscode-insiders"}
    path, _, config = rest.partition("?")
    assert path == "mcp/install"
    return json.loads(unquote(config))


def read_cursor(link: str) -> dict[str, object]:
    query = parse_qs(urlsplit(link).query, strict_parsing=True)
    (name,), (config,) = query["name"], query["config"]
    return {"name": name, **json.loads(base64.b64decode(config, validate=True))}


def test_links_for_web_pages_hold_the_name_and_the_command():
    found = links.deep_links()
    assert read_vscode(found["vscode"]) == {"name": "elephantasm", **WANTED}
    assert read_vscode(found["vscode-insiders"]) == {"name": "elephantasm", **WANTED}
    assert found["vscode-insiders"].startswith("vscode-insiders:")
    assert found["cursor"].startswith("cursor://anysphere.cursor-deeplink/mcp/install?")
    assert read_cursor(found["cursor"]) == {"name": "elephantasm", **WANTED}


@pytest.mark.parametrize("title", ["VS Code", "VS Code Insiders"])
def test_the_editors_page_passes_on_the_link_of_vs_code(title: str):
    parts = urlsplit(links.web_links()[title])
    (inner,) = parse_qs(parts.query, strict_parsing=True)["url"]
    assert (parts.scheme, parts.path) == ("https", "/redirect")
    assert inner in links.deep_links().values()


def test_the_readme_has_the_links_and_no_image(root: Path):
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = [part.rstrip(")") for part in links.markdown().split("](")[1:]]
    assert all(link.split(") · ")[0] in readme for link in shown)
    assert read_cursor(links.web_links()["Cursor"]) == {"name": "elephantasm", **WANTED}
    assert "![" not in readme


def test_links_hold_the_command_that_the_registry_is_told(root: Path):
    server = json.loads((root / "server.json").read_text(encoding="utf-8"))
    (package,) = server["packages"]
    assert [package["runtimeHint"], package["identifier"]] == [links.COMMAND, *links.ARGS]
