"""`doctor --recall` asks for what is stored, and names what it does not find."""

from pathlib import Path

import pytest
from programs import Cli

SAME = "I am allergic to hazelnuts and to walnuts."


@pytest.fixture
def dreamt(cli: Cli) -> Cli:
    """The command line over an anima that has dreamt of two statements."""
    cli("extract", "I am allergic to hazelnuts.", "--author", "Mara")
    cli("extract", "I moved to Lisbon in March.", "--author", "Mara")
    assert cli("dream").code == 0
    return cli


@pytest.fixture
def alike(cli: Cli) -> Cli:
    """The same over statements of one author that nothing tells apart, each in its own session."""
    for number in range(16):
        cli("extract", SAME, "--author", "Mara", "--session", f"s{number}")
        cli("dream")
    return cli


def test_without_the_option_nothing_is_asked(dreamt: Cli):
    assert dreamt("doctor", "--json").json["recall"] == []
    assert "Recall" not in dreamt("doctor").out


def test_what_is_found_is_counted_for_each_anima(dreamt: Cli):
    dreamt("animas", "create", "empty")
    report = dreamt("doctor", "--recall", "--json").json
    first, empty = report["recall"]
    assert (first["anima"], empty["anima"], empty["asked"]) == ("default", "empty", 0)
    assert first["found"] == first["asked"] == first["rows"] > 0
    assert first["mode"] == "lexical"
    assert first["missed"] == []
    assert report["ok"]


def test_an_anima_may_be_chosen(dreamt: Cli):
    dreamt("animas", "create", "empty")
    report = dreamt("doctor", "--recall", "--anima", "default", "--json").json
    assert [one["anima"] for one in report["recall"]] == ["default"]


def test_an_unknown_anima_is_a_problem(dreamt: Cli):
    done = dreamt("doctor", "--recall", "--anima", "defualt")
    assert done.code == 1
    assert "Did you mean 'default'?" in done.out


def test_what_is_not_found_is_named_and_the_exit_code_is_1(alike: Cli):
    done = alike("doctor", "--recall")
    assert done.code == 1
    report = alike("doctor", "--recall", "--json").json
    (result,) = report["recall"]
    assert result["missed"]
    for missed in result["missed"]:
        assert f"default  {missed['handle']}" in done.out
        assert f'"{missed["question"]}"' in done.out
    question = result["missed"][0]["question"]
    assert f"elephantasm-mcp search --anima default '{question}'" in done.out
    count = len(result["missed"])
    assert f"{count} of {result['asked']} rows of the anima default." in done.out


def test_a_database_that_is_not_there_is_not_made(cli: Cli, database: Path):
    assert cli("doctor", "--recall").code == 0
    assert not database.exists()


def test_the_models_of_the_settings_take_part(dreamt: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "static")
    out = dreamt("doctor", "--recall").out
    assert "lexical + potion-8m:1 (partial)" in out
    assert "some rows have no vector yet" in out
    dreamt("search", "hazelnuts")
    assert "partial" not in dreamt("doctor", "--recall").out


def test_a_model_that_cannot_be_used_does_not_end_it(dreamt: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "crystal-ball")
    report = dreamt("doctor", "--recall", "--json").json
    assert len(report["problems"]) == 1
    assert report["recall"][0]["found"] > 0
