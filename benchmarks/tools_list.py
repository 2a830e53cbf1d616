"""How many bytes of a model's context the list of tools takes: the answer to `tools/list`."""

import json
import tempfile
from pathlib import Path

from measuring import SERVE, client_of, print_table

GOAL_KB = 12


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, client_of(SERVE, Path(folder)) as client:
        client.greet()
        answer = client.ask("tools/list")
    sizes = {tool["name"]: len(json.dumps(tool).encode()) for tool in answer["tools"]}
    largest = max(sizes, key=lambda name: sizes[name])
    size_kb = len(json.dumps(answer).encode()) / 1024
    print_table(
        "The list of tools",
        [
            (f"answer to `tools/list`, {len(sizes)} tools", f"{size_kb:.1f} KB", f"≤ {GOAL_KB} KB"),
            (f"the largest tool, `{largest}`", f"{sizes[largest] / 1024:.1f} KB", ""),
        ],
    )


if __name__ == "__main__":
    main()
