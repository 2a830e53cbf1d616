"""How much memory an idle server takes, before its first use and with its models loaded.

Resident set size of a real process over stdio; what it shares with other processes counts too.
"""

import tempfile
from pathlib import Path

import psutil

from measuring import SERVE, Client, client_of, print_table

GOAL_MB = 110
GOAL_LOADED_MB = 180
EXCHANGE = [
    {"content": f"I moved the billing service to PostgreSQL on Thursday; case {number}."}
    for number in range(20)
]


def resident_mb(client: Client) -> float:
    """Megabytes of a server's process."""
    return psutil.Process(client.process.pid).memory_info().rss / 1e6


def load_models(client: Client) -> str:
    """Record something, read a pack (which waits for the models), and say what search used."""
    client.call("extract_event", events=EXCHANGE)
    client.call("get_memory_pack", query="billing")
    answer = client.call("search_memory", query="Where did the billing service move?")
    return str(answer["structuredContent"]["mode"])


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, client_of(SERVE, Path(folder)) as client:
        client.greet()
        client.ask("tools/list")
        idle_mb = resident_mb(client)
        mode = load_models(client)
        loaded_mb = resident_mb(client)
    print_table(
        "Resident memory of a server",
        [
            ("idle, before its first use", f"{idle_mb:.0f} MB", f"≤ {GOAL_MB} MB"),
            (f"with its models loaded ({mode})", f"{loaded_mb:.0f} MB", f"≤ {GOAL_LOADED_MB} MB"),
        ],
    )


if __name__ == "__main__":
    main()
