"""`doctor` reports, whatever is wrong."""

import sqlite3
from pathlib import Path

import pytest
from programs import Cli


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
