"""How long a server takes from the start of its process to its first answers, against a bare one.

Both answer `initialize`, `tools/list` and one tool call over stdio. The bare server is the MCP SDK
with one tool: what a program in this language cannot do without.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from measuring import SERVE, client_of, in_turn, print_table

ROUNDS = 15
GOAL = 1.3
BARE = '''
from mcp.server.mcpserver import MCPServer

server = MCPServer("bare")


@server.tool()
def list_animas() -> list[str]:
    """Lists nothing."""
    return []


server.run("stdio")
'''


def until_answered(command: Sequence[str], folder: Path) -> float:
    """Seconds until a new server has answered three requests."""
    started = time.perf_counter()
    with client_of(command, folder) as client:
        client.greet()
        client.ask("tools/list")
        client.ask("tools/call", name="list_animas", arguments={})
        return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = folder / "bare.py"
        bare.write_text(BARE)
        ours_s, bare_s = in_turn(
            ROUNDS,
            partial(until_answered, SERVE, folder),
            partial(until_answered, [sys.executable, str(bare)], folder),
        )
    print_table(
        "Start",
        [
            ("process start to first tool answer", f"{ours_s * 1000:.0f} ms", ""),
            ("the same of a bare MCP server", f"{bare_s * 1000:.0f} ms", ""),
            ("ratio", f"{ours_s / bare_s:.2f}", f"≤ {GOAL}"),
        ],
    )


if __name__ == "__main__":
    main()
