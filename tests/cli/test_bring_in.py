"""The commands of the README's section on imports, each of them run."""

import shlex
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest
from programs import Cli

README = Path(__file__).parents[2] / "README.md"
GOLDEN = Path(__file__).parents[1] / "memory" / "formats" / "golden"
SECTION = "## Bring in what you have"
HISTORY = """
CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, old_memory TEXT, new_memory TEXT,
  event TEXT, created_at DATETIME, updated_at DATETIME, is_deleted INTEGER, actor_id TEXT,
  role TEXT);
INSERT INTO history VALUES ('h', 'a', NULL, 'Likes tea', 'ADD', '2026-01-05', NULL, 0, NULL, NULL);
"""


def commands() -> list[list[str]]:
    """What the section says to type, without the program's name."""
    text = README.read_text(encoding="utf-8").partition(f"{SECTION}\n")[2].partition("\n## ")[0]
    typed = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [shlex.split(line)[1:] for line in typed]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a small file of each program, in which commands are typed."""
    home = tmp_path / "home"
    shutil.copytree(GOLDEN / "claude-code", home / ".claude" / "projects")
    shutil.copytree(GOLDEN / "basic-memory", home / "basic-memory")
    shutil.copytree(GOLDEN / "markdown", home, dirs_exist_ok=True)
    for name in ("claude", "chatgpt"):
        with zipfile.ZipFile(home / f"{name}-export.zip", "w") as archive:
            archive.write(GOLDEN / name / "conversations.json", "conversations.json")
    shutil.copy(GOLDEN / "server-memory" / "memory.jsonl", home)
    shutil.copy(GOLDEN / "mem0" / "get_all.json", home / "memories.json")
    shutil.copy(GOLDEN / "mcp-memory-service" / "export.json", home)
    (home / "chats.jsonl").write_text('{"content": "I moved to Porto."}\n')
    (home / ".mem0").mkdir()
    with sqlite3.connect(home / ".mem0" / "history.db") as connection:
        connection.executescript(HISTORY)
    connection.close()
    monkeypatch.chdir(home)
    return home


def test_each_command_of_the_readme_works_and_stores_nothing_twice(cli: Cli, home: Path):
    typed = [[one.replace("~", str(home)) for one in command] for command in commands()]
    assert len(typed) > 10
    for command in typed:
        done = cli(*command)
        assert done.code == 0, (command, done.err)
        assert "0 events" not in done.out, command
    for command in typed:
        again = cli(*command, *([] if "--json" in command else ["--json"])).json
        assert (again["stored"], again["rejected"]) == (0, 0)
        assert again["duplicates"] > 0
