"""How tests call hooks: as programs, as a client does, and the lines that a client writes."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"
PROGRAM = [sys.executable, "-m", "elephantasm_mcp", "hook"]
PATIENT = [
    sys.executable,
    "-c",
    "import sys; from elephantasm_mcp.hooks import deadline, program;"
    "deadline.start(30); program.main(sys.argv[1:])",
]
"""The same with time: tests that share a machine are no clients that wait."""
DEADLINE_S = 60


def call_hook(event: str, payload: object, *options: str, command: list[str] = PATIENT) -> str:
    """Run a hook to its end, as a client does; what it printed. It must succeed."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    done = subprocess.run(
        [*command, event, *options],
        input=data,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def line(uuid: str, kind: str, content: object, *, session: str = "s1", **more: Any) -> str:
    """A line of a transcript, as Claude Code writes it."""
    role = {"role": kind, "content": content}
    found = {
        "parentUuid": None,
        "isSidechain": False,
        "cwd": "/home/nadia/shop",
        "sessionId": session,
        "version": "2.1.40",
        "type": kind,
        "message": role,
        "uuid": uuid,
        "timestamp": "2026-03-02T09:00:00.000Z",
    }
    return json.dumps(found | more) + "\n"


class ClaudeCode:
    """A session of Claude Code that follows a script: it writes its transcript and calls hooks."""

    def __init__(self, folder: Path, session: str, *, transcripts: Path) -> None:
        self.folder = folder
        self.session = session
        self.transcript = transcripts / f"{session}.jsonl"
        self.transcript.parent.mkdir(parents=True, exist_ok=True)
        self._lines = 0

    def start(self, source: str = "startup") -> str:
        """Begin; what the model is shown."""
        return self._hook("SessionStart", source=source)

    def turn(self, prompt: str, *answers: str) -> str:
        """A prompt and its answers; what the model was shown with the prompt."""
        shown = self._hook("UserPromptSubmit", prompt=prompt)
        self.write("user", prompt)
        if shown:
            self.write_line("attachment", attachment={"type": "hook_success", "content": shown})
        for answer in answers:
            self.write("assistant", [{"type": "text", "text": answer}])
        self._hook("Stop", stop_hook_active=False)
        return shown

    def end(self) -> None:
        """Leave."""
        self._hook("SessionEnd", reason="prompt_input_exit")

    def write(self, kind: str, content: object) -> None:
        """Write a message into the transcript."""
        self.write_line(kind, content=content)

    def write_line(self, kind: str, content: object = "", **more: Any) -> None:
        self._lines += 1
        uuid = f"{self.session}-{self._lines}"
        with self.transcript.open("a") as file:
            file.write(line(uuid, kind, content, session=self.session, **more))

    def _hook(self, event: str, **more: Any) -> str:
        return call_hook(event, self.payload(event, **more))

    def payload(self, event: str, **more: Any) -> dict[str, Any]:
        return {
            "session_id": self.session,
            "transcript_path": str(self.transcript),
            "cwd": str(self.folder),
            "permission_mode": "default",
            "hook_event_name": event,
            **more,
        }


def texts(events: Iterable[Any]) -> list[str]:
    """What was said, in order."""
    return [event.content for event in events]
