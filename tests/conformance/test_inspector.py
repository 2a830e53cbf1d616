"""The MCP Inspector's command line: another client, over each transport, in both eras."""

import json
from pathlib import Path
from typing import Any

import pytest

from nodes import FETCH_S, RUN_S, run_node
from speaking import command, environment, http_server

pytestmark = pytest.mark.timeout(FETCH_S + RUN_S)  # the first test has the packages fetched
INSPECTOR = Path("@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
WAYS = [
    pytest.param("stdio", "legacy", id="stdio-2025"),
    pytest.param("stdio", "modern", id="stdio-2026"),
    pytest.param("http", "legacy", id="http-2025"),
    pytest.param("http", "modern", id="http-2026"),
    pytest.param("sse", "legacy", id="sse-2025"),
]
TOOL_ERROR = 5


class Inspector:
    """The Inspector, pointed at a server."""

    def __init__(self, script: Path, home: Path, where: list[str], target: list[str]) -> None:
        self._script, self._home = script, home
        self._where, self._target = where, target

    def run(self, method: str, *options: str) -> tuple[int, Any, str]:
        """The exit code, the result and what was said beside it."""
        done = run_node(
            self._script,
            *("--cli", *self._where, "--method", method, *options, "--format", "json"),
            *self._target,
            home=self._home,
        )
        said = json.loads(done.stdout)["result"] if done.stdout.strip() else None
        return done.returncode, said, done.stderr

    def ask(self, method: str, *options: str) -> Any:
        """The result of what works."""
        code, said, beside = self.run(method, *options)
        assert code == 0, beside
        return said


@pytest.mark.parametrize(("transport", "era"), WAYS)
def test_the_inspector_finds_and_uses_tools_resources_and_prompts(
    transport: str, era: str, node_modules: Path, database: Path
) -> None:
    where = ["--protocol-era", era, "--transport", transport]
    if transport == "stdio":
        settings = [f"{name}={value}" for name, value in environment(database).items()]
        where += [part for setting in settings for part in ("-e", setting)]
        use(Inspector(node_modules / INSPECTOR, database.parent, where, ["--", *command()]))
        return
    with http_server(database) as (_, url):
        where += ["--server-url", f"{url}/{'mcp' if transport == 'http' else 'sse'}"]
        use(Inspector(node_modules / INSPECTOR, database.parent, where, []))


def use(inspector: Inspector) -> None:
    """List and use each kind of thing that the server has."""
    code, listed, beside = inspector.run("tools/list", "--strict")
    assert (code, beside) == (0, "")
    assert len(listed["tools"]) == 11
    found = inspector.ask(
        "tools/call", "--tool-name", "search_memory", "--tool-args-json", '{"query": "hazelnuts"}'
    )
    assert [hit["handle"] for hit in found["structuredContent"]["hits"]] == ["e1"]
    code, refused, _ = inspector.run("tools/call", "--tool-name", "trace_memory")
    assert (code, refused["isError"]) == (TOOL_ERROR, True)
    (pack,) = inspector.ask("resources/list")["resources"]
    (content,) = inspector.ask("resources/read", "--uri", pack["uri"])["contents"]
    assert "I am allergic to hazelnuts." in content["text"]
    templates = inspector.ask("resources/templates/list")["resourceTemplates"]
    assert len(templates) == 3
    prompts = inspector.ask("prompts/list")["prompts"]
    assert {"recall", "about_me", "dream"} <= {prompt["name"] for prompt in prompts}
    recalled = inspector.ask("prompts/get", "--prompt-name", "recall")
    assert "I am allergic to hazelnuts." in recalled["messages"][0]["content"]["text"]
