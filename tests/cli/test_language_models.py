"""Language models on the command line: work orders, what calls took, and what is wrong."""

import json
from pathlib import Path

import pytest
from programs import Cli

TEA = "I am allergic to hazelnuts."


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that nobody answers for."""
    monkeypatch.setenv("ELEPHANTASM_LLM", "openai:qwen3")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    return "openai:qwen3"


def proposals(order, quote=TEA):
    sources = [{"event": order["events"][0]["handle"], "quote": quote}]
    memory = {
        "summary": "The user is allergic to hazelnuts.",
        "content": "An allergy.",
        "importance": 0.9,
        "confidence": 0.9,
        "sources": sources,
    }
    return json.dumps({"memories": [memory]})


def test_a_work_order_is_completed_from_a_file(cli: Cli, tmp_path: Path):
    cli("extract", TEA)
    assert "dream complete" in cli("dream", "run").out
    order = cli("dream", "run", "--json").json["work_order"]
    file = tmp_path / "proposals.json"
    file.write_text(proposals(order))
    done = cli("dream", "complete", order["id"], str(file))
    assert done.code == 0
    assert "The user is allergic to hazelnuts." in done.out
    assert "work_order" in cli("dream", "run", "--json").json
    assert cli("dream", "run", "--json").json["work_order"] is None


def test_what_is_not_accepted_is_named_and_the_exit_code_says_so(cli: Cli, tmp_path: Path):
    cli("extract", TEA)
    order = cli("dream", "run", "--json").json["work_order"]
    file = tmp_path / "proposals.json"
    file.write_text(proposals(order, quote="I like hazelnuts."))
    done = cli("dream", "complete", order["id"], str(file))
    assert done.code == 1
    assert done.out.startswith("Nothing was accepted; the work order stays open.\n")
    assert "does not stand in e1" in done.out


@pytest.mark.parametrize(
    ("text", "words"), [("tea", "not a JSON object"), (None, "cannot be read")]
)
def test_a_file_that_holds_no_proposals_is_an_error(cli: Cli, tmp_path: Path, text, words):
    file = tmp_path / "proposals.json"
    if text is not None:
        file.write_text(text)
    done = cli("dream", "complete", "x", str(file))
    assert done.code == 1
    assert words in done.err


def test_a_model_that_does_not_answer_is_one_line_and_memories_are_made(cli: Cli, unreachable):
    cli("extract", TEA)
    done = cli("dream", "run")
    assert done.code == 0
    assert done.out.count("was not reached at 127.0.0.1:9") == 1
    assert "hazelnuts" in done.out
    listed = cli("dream", "list")
    assert "0 tokens in 1 call" in listed.out
    assert "Language models took 0 tokens in 1 call." in listed.err
    report = cli("doctor", "--json").json
    assert report["writer"] == unreachable
    assert (report["calls"][0]["model"], report["calls"][0]["sum"]["failed"]) == (unreachable, 1)
    assert any("was not reached at 127.0.0.1:9" in one for one in report["problems"])
    shown = cli("doctor")
    assert shown.code == 1
    assert "0 of the day's 100,000 tokens are taken" in shown.out
    assert "was not reached at 127.0.0.1:9" in shown.out


@pytest.mark.parametrize(
    ("provider", "variable"), [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY")]
)
def test_a_key_that_is_missing_is_a_problem(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, provider: str, variable: str
):
    monkeypatch.setenv("ELEPHANTASM_LLM", provider)
    done = cli("doctor")
    assert done.code == 1
    assert f"{variable} is not set" in done.out
    cli("extract", TEA)
    assert f"{variable} is not set" in cli("dream", "run").out


def test_doctor_says_who_makes_memories(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    assert "by the connected agent (host)" in cli("doctor").out
    monkeypatch.setenv("ELEPHANTASM_LLM", "extractive")
    assert "by extraction alone" in cli("doctor").out


def test_keys_of_providers_are_masked(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    done = cli("doctor")
    assert "secret" not in done.out + done.err
    assert "memories are made by anthropic:claude-haiku-5-5" in done.out
