"""The walk of a new user: `install claude-code` in a clean home, then two sessions on one day.

Claude Code is played by a script: it reads the file that was written, calls the hooks that
stand there as its documentation says, and writes transcripts in its own form. No tool is called.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from elephantasm_mcp.hooks.opening import OPENING

PROGRAM = [sys.executable, "-m", "elephantasm_mcp"]
DEADLINE_S = 90


class Client:
    """A session of a client that knows nothing but its own settings."""

    def __init__(self, home: Path, project: Path, session: str) -> None:
        self.home = home
        self.project = project
        self.session = session
        self.transcript = home / ".claude" / "projects" / "shop" / f"{session}.jsonl"
        self.transcript.parent.mkdir(parents=True, exist_ok=True)
        settings = json.loads((home / ".claude" / "settings.json").read_text(encoding="utf-8"))
        self.hooks = settings["hooks"]

    def fire(self, event: str, **more: Any) -> str:
        """What the hooks of an event print."""
        payload = {
            "session_id": self.session,
            "transcript_path": str(self.transcript),
            "cwd": str(self.project),
            "hook_event_name": event,
        }
        printed = ""
        for one in self.hooks.get(event, []):
            for hook in one["hooks"]:
                done = subprocess.run(
                    ["sh", "-c", hook["command"]],
                    input=json.dumps(payload | more),
                    cwd=self.project,
                    env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
                    capture_output=True,
                    text=True,
                    timeout=DEADLINE_S,
                    check=True,
                )
                printed += done.stdout
        return printed

    def say(self, role: str, text: str) -> None:
        """Write a line of the transcript."""
        content = text if role == "user" else [{"type": "text", "text": text}]
        line = {
            "type": role,
            "uuid": str(UUID(int=hash((self.session, text)) % 2**64)),
            "parentUuid": None,
            "isSidechain": False,
            "sessionId": self.session,
            "cwd": str(self.project),
            "version": "2.1.0",
            "timestamp": "2026-11-21T09:00:00.000Z",
            "message": {"role": role, "content": content},
        }
        with self.transcript.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "code" / "shop" / ".git").mkdir(parents=True)
    (home / "code" / "shop" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (home / "code" / "shop" / ".git" / "config").write_text(
        '[remote "origin"]\n\turl = git@github.com:acme/shop.git\n'
    )
    return home


def test_the_second_session_of_the_day_knows_what_the_first_said(home: Path) -> None:
    installed = subprocess.run(
        [*PROGRAM, "install", "claude-code", "--yes"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert "11 tools" in installed.stdout + installed.stderr
    project = home / "code" / "shop"
    first = Client(home, project, "first")
    assert first.fire("SessionStart", source="startup") == f"{OPENING}\n"
    first.say("user", "We move billing to PostgreSQL. Bogdan must sign it off before Thursday.")
    first.say("assistant", "Noted: PostgreSQL, and Bogdan signs it off.")
    assert first.fire("Stop", stop_hook_active=False) == ""
    first.fire("SessionEnd", reason="exit")
    second = Client(home, project, "second")
    shown = second.fire("SessionStart", source="startup")
    assert shown.startswith(f"{OPENING}\nWhat Elephantasm remembers of acme/shop")
    assert "Bogdan must sign it off before Thursday." in shown
