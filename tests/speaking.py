"""How tests speak MCP to the server: in memory, over pipes and over HTTP."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from elephantasm_mcp.app import App
from elephantasm_mcp.server import build_server

HANDSHAKE = "legacy"
MODERN = "2026-07-28"
ERAS = (HANDSHAKE, MODERN)
DEADLINE_S = 30
SERVE = """
import sys
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.transports import serve
sys.exit(serve(load_settings(), transport={transport!r}))
"""
HANG = """
import sys, time, anyio.to_thread
async def hang(*_, **__):
    sys.stderr.write("hanging\\n")
    sys.stderr.flush()
    await anyio.to_thread.run_sync(time.sleep, 600)
"""
"""Holds a thread that nothing can cancel."""
SLOW_SEARCH = f"{HANG}\nfrom elephantasm_mcp.memory import recall\nrecall.search = hang\n"
SLOW_SYNTHESIS = (
    f"{HANG}\nfrom elephantasm_mcp.synthesis.extractive import ExtractiveSynthesizer\n"
    "ExtractiveSynthesizer.synthesize = hang\n"
)


@asynccontextmanager
async def connected(app: App, *, era: str = HANDSHAKE, **options: Any) -> AsyncIterator[Client]:
    """A client of a server over `app`, in memory, with the watcher running."""
    server = build_server(app)
    with anyio.fail_after(DEADLINE_S):
        async with server.watcher.watching(), Client(server, mode=era, **options) as client:
            yield client


def text_of(result: CallToolResult) -> str:
    """The text of an answer, without the name of a default anima behind it."""
    block, *behind = result.content
    assert all(isinstance(one, TextContent) and one.text.startswith("anima: ") for one in behind)
    assert isinstance(block, TextContent)
    return block.text


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The sentence with which a call is refused."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured content of a call that works."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content or {}


WITHOUT_PRIVILEGES = """
import ctypes, struct
version_3, this_thread, no_capabilities = 0x20080522, 0, bytes(24)
ctypes.CDLL(None).capset(struct.pack("Ii", version_3, this_thread), no_capabilities)
"""
"""Makes root a user like others, whom the modes of files keep out."""


def environment(database: Path, **settings: str) -> dict[str, str]:
    """What a server process needs: its file, no network, nothing of the user's."""
    return {
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},  # noqa: TID251 - so that coverage follows into the process
        "PATH": os.defpath,
        "HOME": str(database.parent),
        "XDG_CONFIG_HOME": str(database.parent),
        "ELEPHANTASM_DATABASE": str(database),
        "ELEPHANTASM_LLM": "extractive",
        "ELEPHANTASM_EMBEDDER": "none",
        **settings,
    }


def command(transport: str = "stdio", *, first: str = "") -> list[str]:
    """How to start a server process; `first` is code that runs before it."""
    return [sys.executable, "-c", first + SERVE.format(transport=transport)]


def stdio_parameters(database: Path, **settings: str) -> StdioServerParameters:
    """The same for the SDK's client."""
    program, *arguments = command()
    return StdioServerParameters(
        command=program, args=arguments, env=environment(database, **settings)
    )


@contextmanager
def http_server(
    database: Path, *, port: int = 0, program: Sequence[str] = (), **settings: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process, on a free port unless one is given, and its base URL."""
    process = subprocess.Popen(
        program or command("http"),
        env=environment(database, ELEPHANTASM_PORT=str(port), **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        while line.startswith(("DEBUG ", "INFO ")):
            line = process.stderr.readline()
        assert line.startswith("Listening on "), line + process.stderr.read()
        yield process, line.split()[-1].removesuffix("/mcp")
    finally:
        process.kill()
        process.communicate()
