"""`doctor` reports, whatever is wrong."""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from programs import Cli, run_program

import providers
from elephantasm_mcp.cli.checkup.findings import Checkup, Severity
from elephantasm_mcp.projects import Project
from elephantasm_mcp.spool import parts
from elephantasm_mcp.spool.folders import spool_of
from elephantasm_mcp.spool.parts import Part
from scenes import kill_beside, look, tamper
from speaking import WITHOUT_PRIVILEGES

ONLY_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")


def test_a_fresh_install_is_in_order_and_nothing_is_made(cli: Cli, database: Path):
    done = cli("doctor")
    assert done.code == 0
    assert "is not there yet" in done.out
    assert not database.exists()


def test_every_setting_is_shown_with_its_origin(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_PORT", "9000")
    file = tmp_path / "settings.env"
    file.write_text("ELEPHANTASM_HOST=::1\n")
    report = cli("doctor", "--json", "--env-file", str(file), "--anima", "mine").json
    shown = {one["variable"]: (one["value"], one["origin"]) for one in report["settings"]}
    assert shown["ELEPHANTASM_PORT"] == ("9000", "environment")
    assert shown["ELEPHANTASM_HOST"] == ("::1", "settings.env")
    assert shown["ELEPHANTASM_ANIMA_ID"] == ("mine", "command line")
    assert shown["ELEPHANTASM_LLM"] == ("auto", "default")


def test_secrets_are_masked(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_API_KEY", "a-secret-key")
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", "https://mara:a-secret-key@memory.example")
    done = cli("doctor")
    assert "a-secret-key" not in done.out + done.err
    assert "https://mara:********@memory.example" in done.out


@pytest.mark.parametrize(("embedder", "unindexed"), [("none", 0), ("static", 1)])
def test_an_anima_is_shown_with_what_waits_in_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, embedder: str, unindexed: int
):
    cli("extract", "I am allergic to hazelnuts.")
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", embedder)
    report = cli("doctor", "--json").json
    (anima,) = report["animas"]
    assert (anima["events"], anima["pending_events"], anima["unindexed"]) == (1, 1, unindexed)
    assert 0 < anima["score"] < anima["threshold"]
    assert report["database"]["writable"]
    assert report["ok"]


def test_what_hooks_left_and_nobody_could_store_is_said(cli: Cli, database: Path):
    cli("extract", "I am allergic to hazelnuts.")
    nobody = "00000000-0000-4000-8000-000000000000"
    project = Project("shop-1f3c9a2e", database.parent, "root folder")
    spool = spool_of(database)
    parts.put(spool, "waits", Part(project, nobody, [{"content": "Hello."}]))
    parts.put(spool, "broken", Part(project, None, [{"content": " "}]))
    torn = spool.parts / "torn.jsonl.7.draft"
    torn.write_text("Hello.")
    os.utime(torn, (0, torn.stat().st_mtime - 3_600))
    done = cli("doctor")
    assert "1 piece of conversation that hooks took down still waits." in done.out
    assert "1 piece of conversation could not be stored whole." in done.out
    assert str(spool.parts / "broken.bad") in done.out
    assert "Hooks that were killed left 1 unfinished file" in done.out


def test_versions_of_what_matters_are_shown(cli: Cli):
    versions = cli("doctor", "--json").json["versions"]
    assert {"python", "apsw", "sqlite-vec", "onnxruntime", "mcp"} <= versions.keys()


def test_the_models_are_loaded_and_named(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "static")
    report = cli("doctor", "--json").json
    (model,) = report["embedders"]
    assert model["ready"]
    assert report["mode"] == f"lexical + {model['name']}"


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 100])
def test_a_broken_database_is_reported_and_left_alone(cli: Cli, database: Path, content: bytes):
    database.write_bytes(content)
    done = cli("doctor")
    assert done.code == 1
    assert "Problems" in done.out
    assert "Traceback" not in done.out + done.err
    assert database.read_bytes() == content


def test_a_folder_in_place_of_the_database_is_reported(cli: Cli, database: Path):
    database.mkdir()
    report = cli("doctor", "--json").json
    assert not report["ok"]
    assert "is a folder" in report["problems"][0]


def test_a_newer_database_is_reported(cli: Cli, database: Path):
    cli("extract", "Hello.")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    done = cli("doctor", "--json")
    assert done.code == 1
    assert "newer elephantasm-mcp" in done.json["problems"][0]


def test_a_folder_that_cannot_be_made_is_reported(cli: Cli, tmp_path: Path):
    (tmp_path / "file").touch()
    done = cli("doctor", "--database", str(tmp_path / "file" / "memory.sqlite3"))
    assert done.code == 1
    assert "cannot be made" in done.out


def test_a_job_that_was_set_aside_is_reported(cli: Cli, database: Path):
    cli("extract", "Hello.")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO jobs (anima_no, kind, state, created_at, run_at, attempts, last_error)"
            " SELECT anima_no, 'synthesis', 'quarantined', 0, 0, 3, 'It broke.' FROM animas"
        )
    connection.close()
    done = cli("doctor")
    assert done.code == 1
    assert "was set aside after 3 attempts: It broke." in done.out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ELEPHANTASM_PORT", "many"),
        ("ELEPHANTASM_EMBEDDER", "crystal-ball"),
        ("ELEPHANTASM_LLM", "anthropic"),
        ("ELEPHANTASM_DATABASE", "postgresql://mara:a-secret-key@db/memory"),
    ],
)
def test_a_setting_that_cannot_be_used_is_reported(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
):
    monkeypatch.setenv(variable, value)
    done = cli("doctor")
    assert done.code == 1
    assert variable in done.out
    assert "a-secret-key" not in done.out + done.err


def test_a_bad_setting_does_not_hide_the_database(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    cli("extract", "Hello.")
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "crystal-ball")
    monkeypatch.setenv("ELEPHANTASM_LLM", "anthropic")
    report = cli("doctor", "--json").json
    assert len(report["problems"]) == 2
    assert report["animas"][0]["events"] == 1


def test_it_says_who_is_let_in_over_http(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    cli("animas", "create", "work")
    assert "this machine alone is served" in cli("doctor").out
    monkeypatch.setenv("ELEPHANTASM_HOST", "0.0.0.0")  # noqa: S104
    refused = cli("doctor")
    assert (refused.code, "will refuse to start" in refused.out) == (1, True)
    cli("keys", "create", "a")
    cli("keys", "create", "b")
    cli("keys", "revoke", "b")
    assert "1 API key of 2 that were made are good" in cli("doctor").out


def test_half_of_the_settings_for_tokens_are_a_problem(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_JWKS_URL", "https://nadia:a-secret@login.example/keys")
    done = cli("doctor")
    assert (done.code, "belong together" in done.out, "a-secret" in done.out) == (1, True, False)
    monkeypatch.setenv("ELEPHANTASM_JWT_ISSUER", "https://login.example/")
    monkeypatch.setenv("ELEPHANTASM_JWT_AUDIENCE", "memory")
    assert "tokens of https://login.example/ are taken" in cli("doctor").out


@pytest.fixture
def dreamt(cli: Cli, database: Path) -> Path:
    """A database with more rows than are read one by one, packed for a quick start."""
    lines = [{"content": f"Nadia bought {n} lemons.", "dedupe_key": str(n)} for n in range(70)]
    file = database.with_name("events.jsonl")
    file.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    cli("import", "jsonl", str(file))
    cli("dream", "run")
    cli("search", "lemons")
    return database


def texts(report, severity: Severity) -> list[str]:
    return [one["text"] for one in report["findings"] if one["severity"] == severity]


def test_each_finding_has_an_area_and_what_is_wrong_has_a_remedy():
    found = Checkup(versions={})
    found.wrong("files", "It is open to all.", "Close it.", fixable=True)
    found.wrong("files", "It is open to all.", "Close it.", fixable=True)
    found.advise("backup", "There is none.")
    assert found.problems == ["It is open to all. Close it."]
    assert not found.ok


def test_advice_alone_is_no_failure(cli: Cli):
    cli("extract", "Hello.")
    report = cli("doctor", "--json")
    assert (report.code, report.json["ok"]) == (0, True)
    assert texts(report.json, Severity.ADVICE) == ["There was no backup of this database yet."]
    assert "elephantasm-mcp backup FILE" in cli("doctor").out


def test_a_backup_is_remembered_and_can_be_looked_at(cli: Cli, tmp_path: Path):
    cli("extract", "Hello.")
    cli("backup", str(tmp_path / "copy"))
    report = cli("doctor", "--json").json
    assert report["backed_up_at"] is not None
    assert texts(report, Severity.ADVICE) == []
    copy = cli("doctor", "--database", str(tmp_path / "copy"), "--json")
    assert (copy.code, copy.json["animas"][0]["events"]) == (0, 1)


def files_of(folder: Path) -> dict[str, bytes]:
    """What is in a folder; an index of a log is derived, and says who reads."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.match("*-shm")}


@pytest.mark.parametrize("recall", [(), ("--recall",)])
def test_an_older_backup_is_looked_at_and_left_as_it_is(
    cli: Cli, tmp_path: Path, recall: tuple[str, ...]
):
    release = Path(__file__).parent.parent / "store" / "contract" / "releases" / "v0_1_0.sql"
    tamper(tmp_path / "old", release.read_text())
    before = files_of(tmp_path)
    done = cli("doctor", "--database", str(tmp_path / "old"), "--json", *recall)
    assert files_of(tmp_path) == before
    assert (
        done.json["database"]["schema_version"]
        == look(tmp_path / "old", "PRAGMA user_version")[0][0]
    )
    assert done.json["database"]["location"] == str(tmp_path / "old")
    assert done.json["animas"][0]["events"] > 0
    assert not any("no backup" in one for one in texts(done.json, Severity.ADVICE))


def test_a_log_that_a_killed_program_left_is_read_and_left(
    cli: Cli, database: Path, tmp_path: Path
):
    cli("extract", "Hello.")
    killed = tmp_path / "killed"
    kill_beside(database, killed, "UPDATE animas SET name = 'from the log'")
    before = files_of(tmp_path)
    done = cli("doctor", "--database", str(killed), "--json")
    assert [one["name"] for one in done.json["animas"]] == ["from the log"]
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("recall", [(), ("--recall",)])
def test_an_empty_file_is_called_empty(cli: Cli, tmp_path: Path, recall: tuple[str, ...]):
    (tmp_path / "empty").touch()
    done = cli("doctor", "--database", str(tmp_path / "empty"), "--json", *recall)
    assert done.code == 1
    assert any("empty is empty" in one for one in done.json["problems"])
    assert files_of(tmp_path) == {"empty": b""}


def test_a_damaged_backup_is_reported_and_left(cli: Cli, tmp_path: Path):
    cli("extract", "Hello.")
    cli("backup", str(tmp_path / "copy"))
    tamper(tmp_path / "copy", "PRAGMA foreign_keys = OFF")
    tamper(tmp_path / "copy", "DELETE FROM users")
    before = files_of(tmp_path)
    done = cli("doctor", "--database", str(tmp_path / "copy"), "--json")
    assert (done.code, files_of(tmp_path)) == (1, before)
    assert any("reference to nothing" in one for one in done.json["problems"])


def test_a_backup_with_ruined_pages_is_reported_and_left(cli: Cli, dreamt: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    cli("backup", str(copy), "--database", str(dreamt))
    whole = copy.read_bytes()
    copy.write_bytes(whole[:40_000] + b"\xff" * (len(whole) - 80_000) + whole[-40_000:])
    before = files_of(tmp_path)
    done = cli("doctor", "--database", str(copy), "--json")
    assert (done.code, files_of(tmp_path)) == (1, before)
    assert any("copy is damaged" in one for one in done.json["problems"])


@ONLY_POSIX
def test_a_backup_that_nobody_may_write_can_be_looked_at(cli: Cli, tmp_path: Path):
    cli("extract", "Hello.")
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    cli("backup", str(shelf / "copy"))
    (shelf / "copy").chmod(0o400)
    shelf.chmod(0o500)
    asked = ["doctor", "--database", str(shelf / "copy"), "--json"]
    if os.geteuid() == 0:
        done = run_program(*asked, command=[sys.executable, "-c", AS_ANYBODY])
    else:
        done = cli(*asked)
    shelf.chmod(0o700)
    assert done.code == 0
    assert not done.json["database"]["writable"]
    assert done.json["animas"][0]["events"] == 1


AS_ANYBODY = (
    f"{WITHOUT_PRIVILEGES}\nimport sys\nfrom elephantasm_mcp.__main__ import main; sys.exit(main())"
)


@ONLY_POSIX
def test_a_file_that_others_may_read_is_found_and_closed(cli: Cli, database: Path):
    cli("extract", "Hello.")
    database.chmod(0o644)
    done = cli("doctor")
    assert (done.code, "mode 644" in done.out, "doctor --fix" in done.out) == (1, True, True)
    assert database.stat().st_mode & 0o777 == 0o644
    fixed = cli("doctor", "--fix", "--json")
    assert (fixed.code, len(texts(fixed.json, Severity.FIXED))) == (0, 1)
    assert database.stat().st_mode & 0o777 == 0o600
    assert cli("doctor").code == 0


def test_copies_beside_the_database_are_named(cli: Cli, database: Path):
    cli("extract", "Hello.")
    database.with_name(f"{database.name}.v3.bak").touch(mode=0o600)
    (advice, _) = texts(cli("doctor", "--json").json, Severity.ADVICE)
    assert "memory.sqlite3.v3.bak" in advice


def test_what_a_killed_restore_left_is_named_and_a_database_is_no_copy_of_itself(
    cli: Cli, tmp_path: Path
):
    path = tmp_path / "my.v2.sqlite3"
    cli("extract", "Hello.", "--database", str(path))
    path.with_name(f"{path.name}.x1.part").touch(mode=0o600)
    (advice,) = texts(cli("doctor", "--database", str(path), "--json").json, Severity.ADVICE)
    assert "stand beside it: my.v2.sqlite3.x1.part." in advice


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE events SET content = 'Nadia bought gold.' WHERE id & 7 = 1", "words of events"),
        ("UPDATE memories SET summary = 'Gold.'", "not as the journal left them: m1"),
        ("DELETE FROM memories WHERE id & 4294967295 = 1", "not as the journal left them: m1"),
        ("DELETE FROM events WHERE id IN (SELECT source_id FROM links)", "name events that are"),
    ],
)
def test_rows_that_were_changed_past_the_program_are_named(
    cli: Cli, dreamt: Path, change: str, words: str
):
    assert cli("doctor").code == 0
    tamper(dreamt, change)
    done = cli("doctor", "--fix", "--json")
    assert done.code == 1
    assert any(words in one for one in texts(done.json, Severity.WRONG))


def test_what_is_derived_is_found_and_made_anew(
    cli: Cli, dreamt: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "static")
    cli("search", "lemons")
    assert look(dreamt, "SELECT count(*) > 0 FROM segments WHERE part = ''") == [(1,)]
    assert cli("doctor").code == 0
    tamper(dreamt, "UPDATE segments SET data = CAST(replace(data, 'lemon', 'melon') AS BLOB)")
    tamper(dreamt, "UPDATE animas SET pending_events = 5")
    found = cli("doctor", "--json")
    assert found.code == 1
    assert len(texts(found.json, Severity.WRONG)) == 2
    fixed = cli("doctor", "--fix", "--json")
    assert (fixed.code, len(texts(fixed.json, Severity.FIXED))) == (0, 2)
    assert texts(cli("doctor", "--json").json, Severity.WRONG) == []


def test_jobs_of_a_server_that_has_ended_wait_again(cli: Cli, database: Path):
    cli("extract", "Hello.")
    tamper(database, "INSERT INTO workers VALUES ('999999999-dead', 'working', NULL, 0)")
    tamper(
        database,
        "INSERT INTO jobs (anima_no, kind, state, created_at, run_at, attempts, lease_owner,"
        " lease_until)"
        " VALUES (1, 'synthesis', 'running', 0, 0, 1, '999999999-dead', 4102444800000000)",
    )
    assert cli("doctor").code == 0
    (fixed,) = texts(cli("doctor", "--fix", "--json").json, Severity.FIXED)
    assert "999999999-dead has ended; 1 job" in fixed
    assert look(database, "SELECT state, lease_owner FROM jobs") == [("pending", None)]
    assert look(database, "SELECT * FROM workers") == []


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.Providers]:
    """A language model, on an event loop of its own, and the settings that name it."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(providers.providers()) as running,
    ):
        monkeypatch.setenv("ELEPHANTASM_LLM", "openai:model-1")
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def test_a_model_is_asked_only_when_that_is_wanted_and_it_says_what_that_takes(
    cli: Cli, model: providers.Providers
):
    assert cli("doctor").code == 0
    assert model.requests == []
    model.propose = lambda _: {"word": "elephant"}
    done = cli("doctor", "--live")
    assert len(model.requests) == 1
    assert "Asking openai:model-1 one question, of about 150 tokens" in done.err
    assert "openai:model-1 answered in" in done.out


def test_without_a_model_none_is_asked(cli: Cli):
    assert "none was asked" in cli("doctor", "--live").out
