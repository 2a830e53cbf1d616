"""`export`, `import archive`, `backup` and `restore` as commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import rmtree

import pytest
from programs import DEADLINE_S, PROGRAM, Cli, run_program

from scenes import kill_beside, look, tamper

OWNER_ONLY = 0o600


@pytest.fixture
def told(cli: Cli, database: Path) -> Path:
    """A database in which something was said, dreamt and forgotten."""
    cli("extract", "Nadia is allergic to hazelnuts.", "--session", "s")
    cli("extract", "# A heading\n- [link](https://evil.example) <b>bold</b>")
    cli("dream", "run")
    return database


@pytest.mark.usefixtures("told")
def test_an_export_comes_back_as_the_same_bytes(cli: Cli, tmp_path: Path):
    first, other = tmp_path / "a.jsonl", tmp_path / "other.sqlite3"
    done = cli("export", str(first))
    assert (done.code, "1 anima exported: 2 events" in done.out) == (0, True)
    assert first.stat().st_mode & 0o777 == OWNER_ONLY
    done = cli("import", "archive", str(first), "--database", str(other))
    assert done.code == 0
    assert "default: made" in done.out
    cli("export", str(tmp_path / "b.jsonl"), "--database", str(other))
    assert (tmp_path / "b.jsonl").read_bytes() == first.read_bytes()


@pytest.mark.usefixtures("told")
def test_an_archive_goes_through_pipes(tmp_path: Path):
    out = run_program("export", "-")
    assert out.out.startswith('{"format":"elephantasm-archive"')
    assert "1 anima exported" in out.err
    back = run_program(
        "--database", str(tmp_path / "b.sqlite3"), "import", "archive", "-", stdin=out.out.encode()
    )
    assert (back.code, "2 events" in back.out) == (0, True)


@pytest.mark.usefixtures("told")
def test_a_second_import_adds_nothing_and_says_so(cli: Cli, tmp_path: Path):
    cli("export", str(tmp_path / "a.jsonl"))
    report = cli("import", "archive", str(tmp_path / "a.jsonl"), "--json").json
    assert report["added"] == {}
    assert report["known"]["event"] == 2
    assert cli("import", "archive", str(tmp_path / "a.jsonl"), "--dry-run").code == 0


@pytest.mark.usefixtures("told")
def test_a_dry_run_makes_no_database(cli: Cli, tmp_path: Path):
    cli("export", str(tmp_path / "a"))
    before = sorted(tmp_path.iterdir())
    tried = ("import", "archive", str(tmp_path / "a"), "--dry-run", "--database")
    done = cli(*tried, str(tmp_path / "other.sqlite3"))
    assert (done.code, "2 events" in done.out) == (0, True)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("told")
def test_a_file_that_is_there_is_replaced_only_by_force(cli: Cli, tmp_path: Path):
    for command in ("export", "backup"):
        path = tmp_path / command
        path.write_text("mine")
        refused = cli(command, str(path))
        assert (refused.code, "is there already" in refused.err) == (1, True)
        assert path.read_text() == "mine"
        assert cli(command, str(path), "--force").code == 0
        assert path.read_bytes() != b"mine"


@pytest.mark.usefixtures("told")
def test_one_anima_may_be_exported_alone(cli: Cli, tmp_path: Path):
    cli("animas", "create", "work")
    report = cli("export", str(tmp_path / "a"), "--anima", "work", "--json").json
    assert report == {"animas": ["work"], "rows": {"anima": 1}, "unsound": []}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE events SET content = 'Gold.' WHERE id & 7 = 1", "words of events"),
        ("UPDATE memories SET summary = 'Gold.'", "not as the journal left them: m1"),
        ("DELETE FROM events", "name events that are not there"),
    ],
)
def test_what_does_not_agree_is_written_and_told(
    cli: Cli, told: Path, tmp_path: Path, change: str, words: str
):
    tamper(told, change)
    done = cli("export", str(tmp_path / "a"))
    assert (done.code, words in done.err, "export --markdown" in done.err) == (1, True, True)
    refused = cli("import", "archive", str(tmp_path / "a"), "--database", str(tmp_path / "b"))
    assert (refused.code, words in refused.err) == (1, True)
    assert cli("export", "--markdown", str(tmp_path / "notes")).code == 0
    assert "export --markdown" in cli("doctor").out
    assert "SQLite finds it sound" in cli("backup", str(tmp_path / "copy")).out


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ("replace(after, '{', ';')", "not as the journal left them: m1"),
        ("replace(after, 'links', 'lhnks')", "not as the journal left them: m1"),
        ("CAST(x'7bff' AS TEXT)", "is damaged"),
    ],
)
def test_a_flipped_bit_in_the_journal_ends_no_checkup(
    cli: Cli, told: Path, tmp_path: Path, after: str, words: str
):
    tamper(told, f"UPDATE dream_actions SET after = {after}")  # noqa: S608
    done = cli("doctor")
    assert (done.code, words in done.out) == (1, True)
    done = cli("export", str(tmp_path / "a"))
    assert (done.code, "is damaged" in done.err) == (1, True)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"Dear diary,\n", "is no archive"),
        (b'{"kind": "archive", "format": "elephantasm-archive", "version": 9}\n', "version 9"),
    ],
)
def test_what_is_no_archive_is_refused_by_name(cli: Cli, tmp_path: Path, text: bytes, why: str):
    (tmp_path / "a").write_bytes(text)
    done = cli("import", "archive", str(tmp_path / "a"))
    assert (done.code, why in done.err, "nothing was imported" in done.err) == (1, True, True)
    assert cli("import", "archive", str(tmp_path / "missing")).code == 1


@pytest.mark.usefixtures("told")
def test_markdown_is_a_folder_of_pages_in_which_remembered_text_is_text(cli: Cli, tmp_path: Path):
    folder = tmp_path / "notes"
    done = cli("export", "--markdown", str(folder))
    assert done.code == 0
    pages = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.md")}
    assert "[default](default/README.md)" in pages["README.md"]
    (events,) = (text for name, text in pages.items() if name.startswith("default/events/"))
    assert "## Session s" in events
    assert "\n# A heading" not in events
    assert "](https" not in events
    assert "<b>" not in events
    (memories,) = (text for name, text in pages.items() if name.startswith("default/memories/"))
    assert "(../events/" in memories
    index = pages["default/README.md"]
    for name in pages:
        assert name in ("README.md", "default/README.md") or f"({name[8:]})" in index


@pytest.mark.usefixtures("told")
def test_every_link_of_the_pages_leads_somewhere(cli: Cli, tmp_path: Path):
    folder = tmp_path / "notes"
    cli("export", "--markdown", str(folder))
    links = [
        (page, part.split(")")[0])
        for page in folder.rglob("*.md")
        for part in page.read_text().split("](")[1:]
    ]
    assert links
    for page, link in links:
        name, _, place = link.partition("#")
        text = (page.parent / name).read_text()
        assert not place or f'<a id="{place}">' in text


@pytest.mark.usefixtures("told")
def test_a_folder_that_is_not_ours_is_left_alone(cli: Cli, tmp_path: Path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    refused = cli("export", "--markdown", str(folder))
    assert (refused.code, "is not empty" in refused.err) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("told")
def test_an_earlier_export_is_replaced_and_what_else_is_there_stays(cli: Cli, tmp_path: Path):
    folder = tmp_path / "notes"
    cli("export", "--markdown", str(folder))
    (folder / "mine.txt").write_text("mine")
    cli("animas", "create", "CON", "--description", "a name that Windows keeps")
    assert cli("export", "--markdown", str(folder)).code == 0
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "con-anima" / "README.md").exists()
    mark = json.loads((folder / ".elephantasm-export").read_text())
    mark["files"].append("../outside.txt")
    (folder / ".elephantasm-export").write_text(json.dumps(mark))
    (tmp_path / "outside.txt").write_text("mine")
    assert cli("export", "--markdown", str(folder)).code == 0
    assert (tmp_path / "outside.txt").exists()


KILLED = """
import itertools, os, sys
pages = itertools.count()
def end(event, given):
    if event == "open" and "notes" in str(given[0]) and str(given[0]).endswith(".md"):
        if next(pages):
            os._exit(9)
sys.addaudithook(end)
from elephantasm_mcp.cli.main import main
raise SystemExit(main())
"""
"""The program, which ends without a word when it opens its second page."""


@pytest.mark.usefixtures("told")
def test_an_export_that_was_killed_may_be_made_again(cli: Cli, tmp_path: Path):
    folder = tmp_path / "notes"
    killed = run_program(
        "export", "--markdown", str(folder), command=[sys.executable, "-c", KILLED]
    )
    assert (killed.code, len(list(folder.rglob("*.md")))) == (9, 1)
    assert cli("export", "--markdown", str(folder)).code == 0
    assert len(list(folder.rglob("*.md"))) > 1


@pytest.mark.usefixtures("told")
def test_a_page_of_the_users_own_is_neither_changed_nor_taken_for_one_of_ours(
    cli: Cli, tmp_path: Path
):
    folder = tmp_path / "notes"
    cli("export", "--markdown", str(folder))
    mark = json.loads((folder / ".elephantasm-export").read_text())
    mark["files"].remove("README.md")
    (folder / ".elephantasm-export").write_text(json.dumps(mark))
    (folder / "README.md").write_text("mine")
    for _ in range(2):
        refused = cli("export", "--markdown", str(folder))
        assert (refused.code, "README.md in notes was not made" in refused.err) == (1, True)
        assert (folder / "README.md").read_text() == "mine"


def test_a_backup_comes_back_and_the_old_file_is_kept(cli: Cli, told: Path, tmp_path: Path):
    copy = tmp_path / "copy.sqlite3"
    assert cli("backup", str(copy)).code == 0
    assert copy.stat().st_mode & 0o777 == OWNER_ONLY
    cli("extract", "After the backup.")
    done = cli("restore", str(copy), "--json").json
    assert look(told, "SELECT count(*) FROM events") == [(2,)]
    assert look(Path(done["kept"]), "SELECT count(*) FROM events") == [(3,)]
    assert told.stat().st_mode & 0o777 == OWNER_ONLY
    assert not told.with_name(f"{told.name}-wal").exists()
    assert cli("extract", "After the restore.").out == "e3\n"


@pytest.mark.usefixtures("told")
def test_a_backup_has_no_byte_of_what_was_forgotten_before(cli: Cli, tmp_path: Path):
    cli("extract", "hushword is a secret")
    cli("forget", "e3", "--yes")
    cli("backup", str(tmp_path / "copy"))
    assert b"hushword" not in (tmp_path / "copy").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000, b"SQLite format 3\0" * 100])
def test_what_is_no_backup_is_refused_and_nothing_is_changed(
    cli: Cli, told: Path, tmp_path: Path, content: bytes
):
    before = told.read_bytes()
    (tmp_path / "copy").write_bytes(content)
    done = cli("restore", str(tmp_path / "copy"))
    assert done.code == 1
    assert "Traceback" not in done.err
    assert told.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.part*")] == []


@pytest.mark.usefixtures("told")
def test_a_newer_backup_is_refused_and_a_damaged_one_too(cli: Cli, tmp_path: Path):
    newer, damaged = tmp_path / "newer", tmp_path / "damaged"
    cli("backup", str(newer))
    cli("backup", str(damaged))
    tamper(newer, "PRAGMA user_version = 999")
    done = cli("restore", str(newer))
    assert (done.code, "newer elephantasm-mcp" in done.err) == (1, True)
    tamper(damaged, "PRAGMA foreign_keys = OFF")
    tamper(damaged, "DELETE FROM users")
    done = cli("restore", str(damaged))
    assert (done.code, "is damaged" in done.err) == (1, True)


FULL = """
import resource, sys
from elephantasm_mcp.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # less than an empty database takes
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of processes")
def test_a_disk_that_fails_is_that_of_what_is_written(told: Path, tmp_path: Path):
    made = run_program("backup", str(tmp_path / "copy"))
    assert (made.code, told.stat().st_size > 100_000) == (0, True)
    full = [sys.executable, "-c", FULL]
    refused = run_program("backup", str(tmp_path / "b"), command=full)
    assert "The disk failed while the database b was in use" in refused.err
    other = str(tmp_path / "other")
    refused = run_program("restore", str(tmp_path / "copy"), "--database", other, command=full)
    assert "The disk failed while the database other was in use" in refused.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE memories", "The table memories is missing."),
        ("DROP INDEX links_source", "The index links_source is missing."),
        (
            "UPDATE sqlite_schema SET sql = replace(sql, 'packs_read', 'pacjs_read')",
            "The definition of the table animas is not the one it was made with.",
        ),
    ],
)
def test_another_schema_is_found_and_neither_copied_nor_restored(
    cli: Cli, told: Path, tmp_path: Path, change: str, words: str
):
    cli("backup", str(tmp_path / "copy"))
    for path in (told, tmp_path / "copy"):
        tamper(path, f"PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON; {change}")
    found, looked = cli("doctor"), cli("doctor", "--database", str(tmp_path / "copy"))
    assert (found.code, looked.code, words in found.out, words in looked.out) == (1, 1, True, True)
    for refused in (cli("backup", str(tmp_path / "b")), cli("restore", str(tmp_path / "copy"))):
        assert (refused.code, words in refused.err) == (1, True)


def test_what_a_person_adds_to_the_schema_is_no_damage(cli: Cli, told: Path, tmp_path: Path):
    tamper(told, "CREATE INDEX mine ON events (author); ANALYZE")
    assert cli("doctor").code == 0
    assert cli("backup", str(tmp_path / "copy")).code == 0


def test_an_older_backup_is_brought_up_to_date(cli: Cli, database: Path, tmp_path: Path):
    release = Path(__file__).parent.parent / "store" / "contract" / "releases" / "v0_1_0.sql"
    tamper(tmp_path / "old", release.read_text())
    done = cli("restore", str(tmp_path / "old"), "--json").json
    assert done["kept"] is None
    assert done["schema_version"] < look(database, "PRAGMA user_version")[0][0]
    assert cli("export", "-").code == 0
    assert list(tmp_path.glob("*.bak")) == []


def test_a_damaged_database_is_put_aside_as_it_is(cli: Cli, told: Path, tmp_path: Path):
    cli("backup", str(tmp_path / "copy"))
    told.write_bytes(b"ruined" * 1000)
    done = cli("restore", str(tmp_path / "copy"), "--json").json
    assert Path(done["kept"]).read_bytes() == b"ruined" * 1000
    assert look(told, "SELECT count(*) FROM events") == [(2,)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a file open")
def test_a_database_that_is_open_elsewhere_is_not_replaced(cli: Cli, told: Path, tmp_path: Path):
    cli("backup", str(tmp_path / "copy"))
    holding = "import sys; f = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(told)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        done = cli("restore", str(tmp_path / "copy"))
        other.communicate()
    assert done.code == 1
    assert f"process {other.pid}" in done.err


@pytest.fixture
def base(cli: Cli, told: Path, tmp_path: Path) -> Path:
    """A backup of what was told, beside a database that knows more."""
    copy = tmp_path / "base.sqlite3"
    assert cli("backup", str(copy)).code == 0
    kill_beside(told, tmp_path / "killed.sqlite3", MORE)
    return copy


MORE = "UPDATE events SET author = 'mara'"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_log_without_its_file_does_not_ruin_what_is_restored_there(
    cli: Cli, base: Path, tmp_path: Path
):
    killed = tmp_path / "killed.sqlite3"
    log = killed.with_name(f"{killed.name}-wal").read_bytes()
    killed.rename(tmp_path / "moved.sqlite3")
    done = cli("restore", str(base), "--database", str(killed), "--json").json
    assert Path(done["kept"]).name.endswith("-wal")
    assert Path(done["kept"]).read_bytes() == log
    assert look(killed, "PRAGMA integrity_check") == [("ok",)]
    assert look(killed, "SELECT count(*) FROM events WHERE author = 'mara'") == [(0,)]
    assert cli("doctor", "--database", str(killed)).code == 0


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("command", ["backup", "export"])
def test_nothing_is_written_where_the_log_of_another_lies(
    cli: Cli, tmp_path: Path, command: str, is_there: bool
):
    killed = tmp_path / "killed.sqlite3"
    if not is_there:
        killed.unlink()
    before = contents(tmp_path)
    refused = cli(command, "--force", str(killed))
    assert (refused.code, "killed.sqlite3-wal is there" in refused.err) == (1, True)
    after = contents(tmp_path)
    assert {name: after.get(name) for name in before if name.startswith("killed")} == {
        name: text for name, text in before.items() if name.startswith("killed")
    }


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("command", ["backup", "export"])
@pytest.mark.parametrize("name", ["live.db-wal", "live.db-shm", "live.db-journal", "live.DB.LOCK"])
def test_names_beside_a_database_are_not_written(cli: Cli, tmp_path: Path, command: str, name: str):
    (tmp_path / name).write_text("acknowledged")
    refused = cli(command, "--force", str(tmp_path / name))
    assert (refused.code, "beside a database" in refused.err) == (1, True)
    assert (tmp_path / name).read_text() == "acknowledged"


@pytest.mark.usefixtures("told")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("command", ["backup", "export"])
def test_what_is_no_file_is_not_replaced(cli: Cli, tmp_path: Path, command: str):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, why in (("pipe", "no regular file"), ("folder", "is a folder")):
        refused = cli(command, "--force", str(tmp_path / name))
        assert (refused.code, why in refused.err) == (1, True)
    assert (tmp_path / "pipe").is_fifo()
    assert cli("doctor", "--database", str(tmp_path / "pipe")).code == 1
    for name in ("pipe", "folder"):
        refused = cli("restore", str(tmp_path / name))
        assert (refused.code, f"{name} is no regular file" in refused.err) == (1, True)


@pytest.mark.parametrize("command", ["backup", "export"])
def test_the_database_is_no_target(cli: Cli, told: Path, tmp_path: Path, command: str):
    (tmp_path / "link").symlink_to(told)
    for name in (told, tmp_path / "link"):
        refused = cli(command, "--force", str(name))
        assert (refused.code, "--force" in refused.err) == (1, False)
        assert "is the database itself" in refused.err
    assert look(told, "SELECT count(*) FROM events") == [(2,)]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_file_that_looks_like_a_draft_stays(cli: Cli, tmp_path: Path, command: str):
    (tmp_path / "n.part").write_text("precious")
    assert cli(command, str(tmp_path / "n")).code == 0
    assert (tmp_path / "n.part").read_text() == "precious"


@pytest.mark.usefixtures("told")
def test_backups_of_one_name_at_once_all_succeed(tmp_path: Path):
    command = [*PROGRAM, "backup", "--force", str(tmp_path / "copy"), "--json"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    said = [one.communicate(timeout=DEADLINE_S)[0] for one in several]
    assert [one.returncode for one in several] == [0, 0, 0]
    assert all(json.loads(one)["size_bytes"] > 0 for one in said)
    assert look(tmp_path / "copy", "PRAGMA integrity_check") == [("ok",)]
    assert list(tmp_path.glob("*.part*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a file open")
def test_a_file_that_another_program_has_open_is_not_replaced(cli: Cli, base: Path):
    holding = "import sys; f = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        done = cli("backup", "--force", str(base))
        other.communicate()
    assert (done.code, f"process {other.pid}" in done.err) == (1, True)
    assert cli("backup", "--force", str(base)).code == 0


def test_a_database_behind_a_link_is_restored_behind_it(cli: Cli, base: Path, tmp_path: Path):
    real, link = tmp_path / "there" / "real.sqlite3", tmp_path / "link.sqlite3"
    real.parent.mkdir()
    link.symlink_to(real)
    cli("extract", "Only here.", "--database", str(link))
    done = cli("restore", str(base), "--database", str(link), "--json").json
    assert link.is_symlink()
    assert look(real, "SELECT count(*) FROM events") == [(2,)]
    assert look(Path(done["kept"]), "SELECT content FROM events") == [("Only here.",)]
    assert Path(done["kept"]).parent == real.parent


@pytest.mark.usefixtures("told")
def test_a_link_in_the_folder_leads_no_page_out_of_it(cli: Cli, tmp_path: Path):
    folder, outside = tmp_path / "notes", tmp_path / "outside"
    cli("export", "--markdown", str(folder))
    outside.mkdir()
    (outside / "file.txt").write_text("mine")
    (folder / "sub").symlink_to(outside)
    mark = json.loads((folder / ".elephantasm-export").read_text())
    mark["files"].append("sub/file.txt")
    (folder / ".elephantasm-export").write_text(json.dumps(mark))
    assert cli("export", "--markdown", str(folder)).code == 0
    assert (outside / "file.txt").read_text() == "mine"
    rmtree(folder / "default")
    (folder / "default").symlink_to(outside)
    refused = cli("export", "--markdown", str(folder))
    assert (refused.code, "default in notes was not made" in refused.err) == (1, True)
    assert [path.name for path in outside.iterdir()] == ["file.txt"]


@pytest.mark.usefixtures("told")
def test_a_mark_that_is_a_link_makes_no_folder_ours(cli: Cli, tmp_path: Path):
    cli("export", "--markdown", str(tmp_path / "notes"))
    mark, other = tmp_path / "notes" / ".elephantasm-export", tmp_path / "other"
    other.mkdir()
    (other / mark.name).symlink_to(mark)
    before = mark.read_bytes()
    assert cli("export", "--markdown", str(other)).code == 1
    assert mark.read_bytes() == before


def test_a_backup_of_nothing_makes_no_database(cli: Cli, tmp_path: Path):
    done = cli("backup", str(tmp_path / "copy"))
    assert (done.code, "There is no database" in done.err) == (1, True)
    assert list(tmp_path.iterdir()) == []
