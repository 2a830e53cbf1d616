"""How long hooks take, whole processes, against a Python that imports what they cannot do without.

They take turns. Each hook is called as Claude Code calls it, on a memory of a few hundred events:
`Stop` takes down what is new since the last one; `SessionStart` prints a pack, once with nothing to
store before, as where a server has stored it, and once with a turn that nobody has stored yet;
`UserPromptSubmit` prints what a prompt recalls. Bytecode is written once, as an installed package
has it.
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path

from measuring import in_turn, print_table, seconds

ROUNDS = 25
GOAL_MS = 150
BARE = [sys.executable, "-c", "import pydantic, apsw"]
HOOK = [sys.executable, "-m", "elephantasm_mcp", "hook"]
EVENTS = 300
TOPICS = ("billing", "the staging server", "invoices", "hazelnuts", "the release", "Thursday")


class Session:
    """A session whose transcript grows by a turn before each `Stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.transcript = folder / "transcript.jsonl"
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "ELEPHANTASM_DATABASE": str(folder / "memory.sqlite3"),
            "ELEPHANTASM_ANIMA_ID": "bench",
        }
        self._numbers = count()

    def run(self, command: list[str], data: bytes = b"") -> bytes:
        """Run a program to its end."""
        done = subprocess.run(
            command, input=data, env=self.environment, capture_output=True, check=True
        )
        return done.stdout

    def hook(self, event: str, session: str, **more: str) -> bytes:
        """Call a hook."""
        payload = {
            "session_id": session,
            "transcript_path": str(self.transcript),
            "cwd": str(self.folder),
            "hook_event_name": event,
            **more,
        }
        return self.run([*HOOK, event], json.dumps(payload).encode())

    def write_turn(self) -> None:
        """A prompt and an answer."""
        with self.transcript.open("a") as file:
            for kind in ("user", "assistant"):
                number = next(self._numbers)
                text = f"Note {number}: {TOPICS[number % len(TOPICS)]} is looked at again."
                line = {
                    "type": kind,
                    "uuid": f"u{number}",
                    "sessionId": "writing",
                    "timestamp": "2026-03-02T09:00:00.000Z",
                    "message": {"role": kind, "content": [{"type": "text", "text": text}]},
                }
                file.write(json.dumps(line) + "\n")

    def stop(self) -> float:
        """Seconds that `Stop` takes after a turn."""
        self.write_turn()
        return seconds(partial(self.hook, "Stop", "writing"))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        session = Session(Path(name))
        for _ in range(EVENTS // 2):
            session.write_turn()
        session.hook("Stop", "writing")
        if b"memory-pack" not in session.hook("SessionStart", "reading"):
            raise SystemExit("SessionStart printed no pack.")
        prompt = {"prompt": "What about the staging server?"}
        start = partial(seconds, partial(session.hook, "SessionStart", "reading"))
        bare_s, stop_s, late_s, start_s, prompt_s = in_turn(
            ROUNDS,
            partial(seconds, partial(session.run, BARE)),
            session.stop,
            start,
            start,
            partial(seconds, partial(session.hook, "UserPromptSubmit", "asking", **prompt)),
        )

    def figure(taken_s: float) -> str:
        return f"{taken_s * 1000:.0f} ms (+{(taken_s - bare_s) * 1000:.0f})"

    goal = f"≤ bare + {GOAL_MS} ms"
    print_table(
        "Hooks, whole processes, p50",
        [
            ("bare: `import pydantic, apsw`", f"{bare_s * 1000:.0f} ms", ""),
            ("`hook Stop`", figure(stop_s), goal),
            ("`hook SessionStart`", figure(start_s), goal),
            ("the same with a turn to store first", figure(late_s), ""),
            ("`hook UserPromptSubmit`", figure(prompt_s), ""),
        ],
    )


if __name__ == "__main__":
    main()
