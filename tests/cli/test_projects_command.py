"""The commands about projects: animas trust and merge, and the anima of the current folder."""

from pathlib import Path

import pytest
from programs import Cli


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, a clone of acme/app."""
    root = tmp_path / "clone"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text('[remote "origin"]\nurl = git@github.com:acme/app.git\n')
    monkeypatch.chdir(root)
    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", "project")
    return root


@pytest.mark.usefixtures("repository")
def test_what_took_a_default_says_which_beside_the_result(cli: Cli):
    said = cli("extract", "I am allergic to hazelnuts.", "--author", "Mara")
    assert (said.code, said.err) == (0, "anima: acme/app (default)\n")
    found = cli("search", "hazelnuts", "--json")
    assert found.json["hits"]
    assert found.err == "anima: acme/app (default)\n"
    assert "anima:" not in cli("search", "hazelnuts", "--anima", "acme/app").err
    assert "acme/app (default)" in cli("animas").out


def test_a_file_is_listened_to_once_it_is_trusted(cli: Cli, repository: Path):
    cli("animas", "create", "private")
    (repository / ".elephantasm.toml").write_text('anima = "private"\n')
    refused = cli("extract", "Hello.")
    assert refused.code == 0
    assert "anima: acme/app (default)" in refused.err
    assert "`elephantasm-mcp animas trust NAME`" in refused.err
    allowed = cli("animas", "trust", "private")
    assert allowed.err == "A file of the project acme/app may name private now.\n"
    assert cli("extract", "Hello.").err == "anima: private (default)\n"
    assert str(repository) in cli("animas", "trust").out
    assert cli("animas", "trust", "--json").json[0]["project"] == "acme/app"
    assert cli("animas", "trust", "private", str(repository), "--remove").code == 0
    assert "anima: acme/app (default)" in cli("extract", "Hello.").err
    assert cli("animas", "trust").err == "No project may name an anima but its own.\n"


def test_merge_says_what_would_move_and_moves_it_with_yes(cli: Cli):
    cli("extract", "I am allergic to hazelnuts.", "--author", "Mara")
    cli("dream")
    cli("animas", "create", "acme/app")
    shown = cli("animas", "merge", "default", "acme/app")
    assert shown.code == 0
    assert shown.err.startswith("Nothing was moved: 1 event, 1 memory, 1 of knowledge, ")
    done = cli("animas", "merge", "default", "acme/app", "--yes")
    assert done.err.startswith("Moved: 1 event, 1 memory, 1 of knowledge, ")
    assert "hazelnuts" in cli("pack", "--anima", "acme/app").out
    assert cli("animas", "merge", "default", "default").code == 1
    report = cli("animas", "merge", "default", "acme/app", "--json").json
    assert (report["source"], report["events"], report["dream"]) == ("default", 0, None)


def test_what_is_about_the_database_itself_is_refused_on_a_server(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", "http://127.0.0.1:1")
    for command in (["merge", "a", "b"], ["trust", "a"]):
        monkeypatch.delenv("ELEPHANTASM_DATABASE", raising=False)
        done = cli("animas", *command)
        assert done.code == 1
        assert "local database only" in done.err
