"""What the readers find in small files, made after what those programs write."""

import json
import sqlite3
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from reading import FILES, GOLDEN, events, golden, passed, read, rejected, said

from elephantasm_mcp.app import rows_of
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import events as stored_events
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.formats.items import Candidate
from elephantasm_mcp.memory.formats.known import FORMATS, format_of
from elephantasm_mcp.memory.formats.parts import open_source
from elephantasm_mcp.memory.transfer import take_in
from elephantasm_mcp.types.records import LOCAL_USER, Event, Trust

HISTORY = """
CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, old_memory TEXT, new_memory TEXT,
  event TEXT, created_at DATETIME, updated_at DATETIME, is_deleted INTEGER, actor_id TEXT,
  role TEXT);
INSERT INTO history VALUES
  ('h1', 'a', NULL, 'Likes tea', 'ADD', '2026-01-05T10:00:00+00:00', NULL, 0, 'nadia', 'user'),
  ('h2', 'b', NULL, 'Lives in Lyon', 'ADD', '2026-01-05T10:00:01+00:00', NULL, 0, NULL, NULL),
  ('h3', 'a', 'Likes tea', 'Likes green tea', 'UPDATE', '2026-01-05T10:00:00+00:00',
    '2026-01-06T10:00:00+00:00', 0, 'nadia', 'user'),
  ('h4', 'b', 'Lives in Lyon', NULL, 'DELETE', NULL, NULL, 1, NULL, NULL);
"""
MEMORIES = """
CREATE TABLE memories (id INTEGER PRIMARY KEY AUTOINCREMENT, content_hash TEXT UNIQUE NOT NULL,
  content TEXT NOT NULL, tags TEXT, memory_type TEXT, metadata TEXT, created_at REAL,
  updated_at REAL, created_at_iso TEXT, updated_at_iso TEXT, deleted_at REAL DEFAULT NULL);
INSERT INTO memories (content_hash, content, tags, memory_type, metadata, created_at, deleted_at)
VALUES
  ('1f0c', 'The staging database is rebuilt every Monday at six.', 'ops,staging', 'note',
    '{"source": "example"}', 1769932800.5, NULL),
  ('3a2b', 'Gone.', '', 'note', '{', 1769932801.0, 1769932802.0);
"""

ENDLESS = """
CREATE VIEW memories (id, content_hash, content, tags, memory_type, metadata, created_at,
  created_at_iso, deleted_at) AS
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
SELECT n, n, n, n, n, n, n, n, NULL FROM n;
"""


async def stored(core: Core, name: str, *, anima: str = "it") -> list[Event]:
    await take_in(core, LOCAL_USER, golden(name), anima=anima)
    return await stored_events.list_events(core, LOCAL_USER, anima)


def database(path: Path, script: str) -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()
    return path


@pytest.mark.parametrize("name", FILES)
async def test_a_second_import_adds_nothing_and_names_what_is_there(core: Core, name: str):
    first = await take_in(core, LOCAL_USER, golden(name))
    again = await take_in(core, LOCAL_USER, golden(name))
    assert first.stored == len(events(golden(name))) > 1
    assert (again.stored, again.duplicates) == (0, first.stored)
    assert again.first_duplicates[0].handle == "e1"
    assert again.left_out == first.left_out


@pytest.mark.parametrize("name", FILES)
async def test_a_dry_run_foresees_what_an_import_does(core: Core, name: str):
    foreseen = await take_in(core, LOCAL_USER, golden(name), dry_run=True)
    done = await take_in(core, LOCAL_USER, golden(name))
    assert foreseen.dry_run
    assert foreseen.stored == done.stored
    assert foreseen.left_out == done.left_out
    assert foreseen.created == done.created
    foreseen = await take_in(core, LOCAL_USER, golden(name), dry_run=True)
    assert (foreseen.stored, foreseen.duplicates) == (0, done.stored)


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_told_from_the_file(name: str):
    assert format_of("auto", open_source(str(GOLDEN / FILES[name]))).name == name


@pytest.mark.parametrize("name", FILES)
def test_another_format_is_called_by_both_names(name: str):
    for other in FORMATS.values():
        source = open_source(str(GOLDEN / FILES[name]))
        if other.name == name or name in other.kin or source.is_folder():
            continue
        with pytest.raises(ValidationError) as error:
            read(other.name, source)
        assert FORMATS[name].title in error.value.explain()
        assert other.title in error.value.explain()


def test_a_transcript_of_claude_code_says_what_was_said():
    items = golden("claude-code")
    assert said(items) == [
        (
            "message.in",
            "Billing has to move from MongoDB to PostgreSQL, payments need ACID transactions.",
        ),
        ("message.out", "I will look at the schema first."),
        ("tool.call", "Bash: ls migrations"),
        ("tool.result", "0001_initial.sql\n0002_invoices.sql"),
        ("message.out", "There are two migrations; invoices come second."),
    ]
    assert passed(items) == {"lines of the transcript that are no conversation": 4}
    first = events(items)[0]
    assert first.session_id == "5f0c6e52-1b7a-4c1e-9a53-0d2f8f6f7a10"
    assert first.occurred_at == datetime(2026, 3, 2, 10, 0, 5, 120000, UTC)
    assert first.dedupe_key == "claude-code:u1"


async def test_a_session_goes_to_the_anima_of_the_project_that_it_was_in(core: Core):
    report = await take_in(core, LOCAL_USER, golden("claude-code"))
    (name,) = report.animas
    assert name.startswith("app-")
    assert report.created == [name]


@pytest.mark.parametrize("folder", [".", "rel/../..", "~/app"])
async def test_a_folder_that_is_not_absolute_is_no_project(core: Core, folder: str):
    message = {"role": "user", "content": "Hello."}
    line = {"type": "user", "uuid": "u1", "sessionId": "s", "cwd": folder, "message": message}
    report = await take_in(core, LOCAL_USER, read("claude-code", json.dumps(line).encode()))
    assert report.animas == {"default": 1}


async def test_secrets_that_were_masked_in_a_transcript_are_counted(core: Core):
    key = "password=hunter2-and-more"
    blocks = [{"type": "text", "text": text} for text in (f"The {key}.", "Hi.", f"{key}, {key}")]
    line = {"type": "assistant", "uuid": "u1", "message": {"content": blocks}}
    report = await take_in(core, LOCAL_USER, read("claude-code", json.dumps(line).encode()))
    assert (report.stored, report.redactions) == (3, 3)
    there = await stored_events.list_events(core, LOCAL_USER, None)
    assert sorted(one.redactions for one in there) == [0, 1, 2]


async def test_an_anima_that_is_named_beats_the_project(core: Core):
    report = await take_in(core, LOCAL_USER, golden("claude-code"), anima="mine")
    assert list(report.animas) == ["mine"]


async def test_a_default_anima_that_was_set_beats_the_project(core: Core):
    core = replace(core, default_anima="chosen")
    report = await take_in(core, LOCAL_USER, golden("claude-code"))
    assert list(report.animas) == ["chosen"]


def test_an_export_of_claude_says_what_was_said_in_its_order():
    items = golden("claude")
    assert said(items) == [
        ("message.in", "plan.txt:\nBogdan signs it off on Thursday."),
        ("message.in", "Here is the plan for the cut-over."),
        ("tool.call", 'calendar_search: {"day": "Thursday"}'),
        ("tool.result", "calendar_search: 10:00 free"),
        ("message.out", "Thursday it is. The calendar has a free hour at ten."),
        ("message.in", "I am allergic to hazelnuts."),
    ]
    assert passed(items) == {"thoughts of the model": 1, "messages without words": 1}
    assert {one.session_id for one in events(items)} == {
        "0b0c5f3e-6f1e-4a55-8d0e-1f3a5c7e9b01",
        "0b0c5f3e-6f1e-4a55-8d0e-1f3a5c7e9b02",
    }


async def test_words_of_a_chat_are_told_and_what_tools_and_files_said_is_reported(core: Core):
    trust = {one.content[:8]: one.trust for one in await stored(core, "claude")}
    assert trust["Here is "] is Trust.TOLD
    assert trust["Thursday"] is Trust.TOLD
    assert trust["plan.txt"] is Trust.REPORTED
    assert trust["calendar"] is Trust.REPORTED


def chat(*messages: tuple[str, str | None, int], **more: str) -> bytes:
    """An export of Claude: messages by id and parent, at a minute each, with the id as words."""
    made = [
        {"uuid": id_, "sender": "human", "text": id_}
        | {"created_at": f"2026-02-10T08:{minute:02d}:00Z"}
        | ({} if parent is None else {"parent_message_uuid": parent})
        for id_, parent, minute in messages
    ]
    return json.dumps([{"uuid": "c", "chat_messages": made} | more]).encode()


TREE = (
    ("first", "00000000", 1),
    ("answer", "first", 2),
    ("try", "answer", 3),
    ("edited", "answer", 5),
    ("to the try", "try", 4),
)


@pytest.mark.parametrize(
    ("messages", "leaf", "words", "given_up"),
    [
        (TREE, "", ["first", "answer", "edited"], 2),
        (TREE, "to the try", ["first", "answer", "try", "to the try"], 1),
        (TREE, "nowhere", ["first", "answer", "edited"], 2),
        ((*TREE, ("begun anew", "00000000", 9)), "", ["begun anew"], 5),
        (TREE[1:], "", ["answer", "edited"], 2),
        ((*TREE[:2], ("behind a gap", "lost", 6)), "", ["first", "answer", "behind a gap"], 0),
        ([(id_, None, minute) for id_, _, minute in TREE], "", [id_ for id_, _, _ in TREE], 0),
        ((("a", "b", 1), ("b", "a", 2)), "", ["a", "b"], 0),
    ],
)
def test_an_export_of_claude_says_the_branch_that_was_kept(
    messages: tuple[tuple[str, str | None, int], ...], leaf: str, words: list[str], given_up: int
):
    items = read("claude", chat(*messages, current_leaf_message_uuid=leaf))
    assert [content for _, content in said(items)] == words
    assert passed(items).get("messages of branches that were given up", 0) == given_up


def test_what_an_export_of_claude_holds_beside_its_chats_is_counted(tmp_path: Path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(GOLDEN / FILES["claude"], "conversations.json")
        archive.writestr("projects.json", '[{"name": "Move"}, {"name": "Garden"}]')
        archive.writestr("memories/9d1c.json", '{"conversations_memory": "Likes tea."}')
        archive.writestr("users.json", "[{}]")
    items = read("claude", path)
    assert said(items) == said(golden("claude"))
    assert passed(items) == passed(golden("claude")) | {
        "projects": 2,
        "memories that Claude made": 1,
    }


def test_an_export_of_chatgpt_says_the_branch_that_was_kept():
    items = golden("chatgpt")
    assert said(items) == [
        ("message.in", "What should I bring to Mara's dinner? She is vegan."),
        ("tool.call", 'web: search("vegan dessert")'),
        ("tool.result", "web: Mango sorbet is vegan."),
        ("message.out", "Bring mango sorbet, it is vegan."),
        ("message.in", "Like this one?"),
    ]
    assert passed(items) == {
        "hidden messages": 1,
        "thoughts of the model": 1,
        "messages of branches that were given up": 1,
    }
    assert events(items)[0].occurred_at == datetime(2026, 2, 23, 10, 0, 0, 500000, UTC)


def asked(*messages: tuple[float | None, str]) -> bytes:
    """An export of ChatGPT: what was said, one after the other, and when."""
    mapping = {
        f"n{number}": {
            "parent": f"n{number - 1}",
            "message": {
                "author": {"role": "user"},
                "create_time": at,
                "content": {"content_type": "text", "parts": [text]},
            },
        }
        for number, (at, text) in enumerate(messages)
    }
    leaf = f"n{len(messages) - 1}"
    return json.dumps([{"create_time": 100.0, "mapping": mapping, "current_node": leaf}]).encode()


def test_a_message_of_chatgpt_without_a_time_was_said_after_the_one_before_it():
    found = events(read("chatgpt", asked((None, "a"), (200.0, "b"), (None, "c"), (300.0, "d"))))
    assert [one.occurred_at.timestamp() for one in found if one.occurred_at] == [100, 200, 200, 300]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It rains. \ue200cite\ue202turn0search0\ue202turn0news1\ue201", "It rains."),
        ("It rains \ue200cite\ue202turn0search0\ue201.", "It rains."),
        ('To \ue200entity\ue202["city","Porto","in Portugal"]\ue201!', "To Porto!"),
        ("To \ue200entity\ue202Porto\ue201!", "To Porto!"),
        ("See \ue200url\ue202the plan\ue202https://example.org\ue201.", "See the plan."),
        ("\ue200entity\ue202" + "[" * 5_000 + "\ue201 x", "[" * 5_000 + " x"),
        ("An open \ue200cite mark", "An open \ue200cite mark"),
    ],
    ids=lambda one: one[:12],
)
def test_marks_for_the_page_of_chatgpt_are_no_words(text: str, words: str):
    assert said(read("chatgpt", asked((1.0, text)))) == [("message.in", words)]


@pytest.mark.parametrize("name", ["claude", "chatgpt"])
def test_an_account_export_is_read_in_its_zip(name: str, tmp_path: Path):
    path = tmp_path / "export.zip"
    inside = "export/conversations.json" if name == "claude" else "conversations-000.json"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(GOLDEN / FILES[name], inside)
        archive.writestr("chat.html", "<html>")
        archive.writestr("users.json", "[]")
    assert said(read(name, path)) == said(golden(name))
    assert format_of("auto", open_source(str(path))).name == name


def test_a_graph_of_server_memory_says_each_observation_and_relation():
    assert [content for _, content in said(golden("server-memory"))] == [
        "Nadia: Prefers tea to coffee",
        "Nadia: Works from Porto",
        "Billing is known as: service.",
        "Nadia is responsible for Billing.",
    ]


def test_memories_of_mem0_keep_their_person_session_and_time():
    first, second = events(golden("mem0"))
    assert (first.author, first.session_id) == ("dev", None)
    assert (second.author, second.session_id) == ("arjun", "run-7")
    assert second.occurred_at == datetime(2026, 1, 7, 9, tzinfo=UTC)
    assert first.meta["metadata"] == {"type": "professional"}


def test_a_memory_of_mem0_that_was_changed_is_another_event():
    one = b'{"results": [{"id": "a", "memory": "Likes tea"}]}'
    other = b'[{"id": "a", "memory": "Likes green tea"}]'
    (before,), (after,) = events(read("mem0", one)), events(read("mem0", other))
    assert before.dedupe_key != after.dedupe_key


def test_the_history_of_mem0_is_read_as_it_was_last(tmp_path: Path):
    path = database(tmp_path / "history.db", HISTORY)
    before = path.read_bytes()
    mem0 = FORMATS["mem0"]
    assert mem0.read_rows is not None
    items = list(mem0.read_rows(rows_of(path, mem0.statement)))
    assert said(items) == [("message.in", "Likes green tea")]
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["history.db"]


def test_a_database_of_mcp_memory_service_says_what_its_export_says(tmp_path: Path):
    path = database(tmp_path / "sqlite_vec.db", MEMORIES)
    service = FORMATS["mcp-memory-service"]
    assert service.read_rows is not None
    items = list(service.read_rows(rows_of(path, service.statement)))
    exported = events(golden("mcp-memory-service"))[0]
    (found,) = events(items)
    assert found == exported


@pytest.mark.parametrize(
    ("name", "script", "columns", "content"),
    [
        ("mem0", HISTORY, ["actor_id", "role"], "Likes green tea"),
        ("mem0", HISTORY, ["updated_at", "is_deleted"], "Likes green tea"),
        ("mcp-memory-service", MEMORIES.replace("'Gone.'", "''"), ["deleted_at"], "The staging"),
        ("mcp-memory-service", MEMORIES, ["tags", "created_at_iso", "metadata"], "The staging"),
    ],
)
def test_a_database_of_a_version_with_fewer_columns_is_read(
    name: str, script: str, columns: list[str], content: str, tmp_path: Path
):
    dropped = "".join(
        f"ALTER TABLE {'history' if name == 'mem0' else 'memories'} DROP COLUMN {column};"
        for column in columns
    )
    path = database(tmp_path / "earlier.db", script + dropped)
    chosen = FORMATS[name]
    assert chosen.read_rows is not None
    (found,) = events(list(chosen.read_rows(rows_of(path, chosen.statement))))
    assert found.content.startswith(content)


def test_a_database_without_the_column_that_says_something_is_refused(tmp_path: Path):
    path = database(tmp_path / "history.db", "CREATE TABLE history (memory_id, memo TEXT);")
    with pytest.raises(ValidationError, match="has not the tables, or columns"):
        list(rows_of(path, FORMATS["mem0"].statement))


def test_a_database_of_another_program_is_refused(tmp_path: Path):
    path = database(tmp_path / "other.db", "CREATE TABLE notes (text TEXT);")
    with pytest.raises(ValidationError, match="has not the tables"):
        list(rows_of(path, FORMATS["mem0"].statement))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_a_text_of_a_database_that_is_none_is_read_as_far_as_it_goes(encoding: str, tmp_path: Path):
    bad = "UPDATE history SET new_memory = CAST(x'4C69C36B' AS TEXT) WHERE id = 'h3';"
    path = database(tmp_path / "history.db", f"PRAGMA encoding = '{encoding}'; {HISTORY} {bad}")
    mem0 = FORMATS["mem0"]
    assert mem0.read_rows is not None
    (found,) = events(list(mem0.read_rows(rows_of(path, mem0.statement))))
    assert found.content == b"Li\xc3k".decode(encoding, "replace")
    assert found.author == "nadia"
    assert found.occurred_at == datetime(2026, 1, 6, 10, tzinfo=UTC)


def test_a_view_in_the_place_of_a_table_is_refused(tmp_path: Path):
    path = database(tmp_path / "sqlite_vec.db", ENDLESS)
    with pytest.raises(ValidationError, match="has not the tables"):
        list(rows_of(path, FORMATS["mcp-memory-service"].statement))


def test_an_export_of_mcp_memory_service_keeps_tags_and_times():
    first, second = events(golden("mcp-memory-service"))
    assert first.meta["tags"] == ["ops", "staging"]
    assert "tags" not in second.meta
    assert first.occurred_at == datetime(2026, 2, 1, 8, 0, 0, 500000, UTC)


def test_notes_of_basic_memory_say_observations_relations_and_the_rest():
    items = golden("basic-memory")
    assert [content for _, content in said(items)] == [
        "Coffee Brewing Methods\nNotes from a year of mornings.",
        "Coffee Brewing Methods, method: Pour over provides more flavor clarity than French press",
        "Coffee Brewing Methods, technique: Water at 96 degrees extracts best #brewing (own test)",
        "Coffee Brewing Methods: Lighter roasts suit Ethiopian beans #beans",
        "Coffee Brewing Methods › Observations\n- [ ] Buy filters\n- [00:01:12] said in the video",
        "Coffee Brewing Methods relates to Coffee Bean Origins",
        "Coffee Brewing Methods based on A Talk by Mara (last spring)",
        "Coffee Brewing Methods › Relations\n- [[Tea]]",
        "Mara\nMara is vegan and lives in Porto.",
    ]
    first = events(items)[0]
    assert first.occurred_at == datetime(2026, 1, 12, 7, 30, tzinfo=UTC)
    assert first.source_uri == "memory://coffee-brewing-methods"
    assert first.meta["tags"] == ["coffee", "brewing"]


@pytest.mark.parametrize("front", ["title: [", "- a list", "x: " + "[" * 1200, "? !!python/x y"])
def test_frontmatter_that_is_no_yaml_is_passed_over(front: str, tmp_path: Path):
    (tmp_path / "Note.md").write_text(f"---\n{front}\n---\nA fact.\n")
    assert said(read("basic-memory", tmp_path)) == [("message.in", "Note\nA fact.")]


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ('z: !!int ""', "Note"),
        ('z: !!float ""', "Note"),
        ("z: !!bool foo", "Note"),
        ("z: !!timestamp abc", "Note"),
        ("z: !!float " + ":".join("1" * 900), "Note"),
        ("title: 0x" + "f" * 20_000, "0x" + "f" * 20_000),
        ("title: " + ":".join("1" * 9_000), ":".join("1" * 9_000)),
        ("title: 1.10", "1.10"),
        ("title: 2026-01-12", "2026-01-12"),
        ("title: null", "Note"),
        ("title:", "Note"),
    ],
    ids=lambda one: one[:16],
)
def test_a_value_of_frontmatter_is_the_text_that_stands_there(
    field: str, title: str, tmp_path: Path
):
    (tmp_path / "Note.md").write_text(f"---\n{field}\ncreated: 2026-01-12\n---\nA fact.\n")
    (found,) = events(read("basic-memory", tmp_path))
    assert found.content == f"{title}\nA fact."
    assert found.occurred_at == datetime(2026, 1, 12, tzinfo=UTC)


def test_frontmatter_that_merges_itself_many_times_is_read_at_once(tmp_path: Path):
    merges = [f"k{n + 1}: &k{n + 1} {{<<: [{', '.join([f'*k{n}'] * 8)}]}}" for n in range(9)]
    (tmp_path / "Note.md").write_text(
        "\n".join(["---", "k0: &k0 {a: b}", *merges, "---", "A fact."])
    )
    assert said(read("basic-memory", tmp_path)) == [("message.in", "Note\nA fact.")]


def test_instructions_are_read_section_by_section_and_their_imports_too():
    items = golden("markdown")
    assert [content for _, content in said(items)] == [
        "App\nBilling service of the shop.",
        "App › Commands\n```sh\n# run the tests\npytest -q\n```",
        "App › Style\n- Two spaces, no tabs. See @docs/style.md\n"
        "- Not followed: @/etc/hostname, and in code `@docs/none.md`",
        "App › Style\nErrors name what to do.",
        "Naming\nA module is one noun.\n\nSee @../CLAUDE.md for the rest.",
    ]
    assert passed(items) == {"imports that were not followed": 1}
    assert [one.place for one in items if isinstance(one, Candidate)][2] == "line 12"


def test_no_link_leads_out_of_the_folder(tmp_path: Path):
    (tmp_path / "secret.md").write_text("The key is under the mat.")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "CLAUDE.md").write_text("See @linked.md and @../secret.md")
    (folder / "linked.md").symlink_to(tmp_path / "secret.md")
    (folder / "AGENTS.md").symlink_to(tmp_path / "secret.md")
    for source in (folder, folder / "CLAUDE.md"):
        items = read("markdown", source)
        assert [content for _, content in said(items)] == ["See @linked.md and @../secret.md"]
        assert passed(items) == {"imports that were not followed": 2}


@pytest.mark.parametrize(
    "name", ["server-memory", "mem0", "mcp-memory-service", "basic-memory", "markdown"]
)
async def test_what_other_memories_derived_is_reported(core: Core, name: str):
    assert {one.trust for one in await stored(core, name)} == {Trust.REPORTED}


@pytest.mark.parametrize("name", FILES)
def test_a_golden_file_has_nothing_unusable(name: str):
    assert rejected(golden(name)) == []
