"""What an entry says of settings, and the questions about keys."""

from pathlib import Path

import pytest

from elephantasm_mcp.clients.wishes import Wishes, keys
from elephantasm_mcp.settings import load_settings

FILE = "~/.cursor/mcp.json"


class Person:
    """Answers questions, and remembers them."""

    def __init__(self, *answers: bool) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        return self._answers.pop(0)


def wishes(env_file: Path | None = None, **given: object) -> Wishes:
    settings = load_settings(env_file=env_file, **given)
    return Wishes(settings, given=given, env_file=env_file, anima=None)


@pytest.fixture(autouse=True)
def no_folders_of_our_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("XDG_DATA_HOME")


def test_what_nobody_said_is_not_written():
    assert wishes().env() == {}


def test_what_the_environment_says_is_written(monkeypatch: pytest.MonkeyPatch):
    said = {
        "ELEPHANTASM_EMBEDDER": "static",
        "ENABLE_BACKGROUND_JOBS": "false",
        "ELEPHANTASM_DAILY_TOKENS": "0",
        "ELEPHANTASM_ANIMA_ID": "work",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ELEPHANTASM_PORT", "1")  # nothing to a client
    assert wishes().env() == said


def test_a_database_is_written_as_a_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert wishes(database="m.sqlite3").env() == {
        "ELEPHANTASM_DATABASE": str(tmp_path / "m.sqlite3")
    }


def test_a_data_folder_that_a_desktop_may_not_know_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert wishes().env() == {
        "ELEPHANTASM_DATABASE": str(tmp_path / "elephantasm-mcp" / "memory.sqlite3")
    }


def test_a_settings_file_is_named_and_its_values_stay_in_it(tmp_path: Path):
    file = tmp_path / "team.env"
    file.write_text("ELEPHANTASM_ENDPOINT=https://example.org\nELEPHANTASM_API_KEY=sk_live_x\n")
    said = wishes(env_file=file)
    assert said.env() == {}
    assert said.args == ("--env-file", str(file))
    assert keys(said, Person(), before={}, file=FILE) == {}


@pytest.mark.parametrize("works_in_projects", [True, False])
def test_an_agent_for_code_has_the_anima_of_the_project(*, works_in_projects: bool):
    expected = {"ELEPHANTASM_ANIMA_ID": "project"} if works_in_projects else {}
    assert wishes().default_env(works_in_projects=works_in_projects) == expected


def test_an_anima_that_was_chosen_is_not_taken_back(tmp_path: Path):
    file = tmp_path / "mine.env"
    file.write_text("ELEPHANTASM_ANIMA_ID=mine\n")
    assert wishes(env_file=file).default_env(works_in_projects=True) == {}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    return "ANTHROPIC_API_KEY"


def test_without_a_key_nothing_is_asked():
    assert keys(wishes(), Person(), before={}, file=FILE) == {}


def test_a_key_that_may_not_be_spent_is_not_spent_where_it_is_inherited(key: str):
    person = Person(False)
    assert keys(wishes(), person, before={}, file=FILE) == {"ELEPHANTASM_LLM": "host"}
    assert person.asked == [
        f"May the server's background task use {key} to write memories, up to 100,000 tokens a day?"
    ]


def test_a_key_that_may_be_spent_is_written_only_after_a_second_yes(key: str):
    said = wishes()
    assert keys(said, Person(True, False), before={}, file=FILE) == {"ELEPHANTASM_LLM": "auto"}
    written = keys(said, Person(True, True), before={}, file=FILE)
    assert written == {"ELEPHANTASM_LLM": "auto", key: "sk-ant-secret"}


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    value = "https://me:s3cret@models.example.org/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", value)
    return {"OPENAI_BASE_URL": value}


def test_an_address_with_a_password_is_written_only_after_a_yes(address: dict[str, str]):
    person = Person(False)
    assert wishes().env() == {}
    assert keys(wishes(), person, before={}, file=FILE) == {}
    assert person.asked == [f"Write OPENAI_BASE_URL, which holds a password, into {FILE}?"]
    assert keys(wishes(), Person(True), before={}, file=FILE) == address
    assert keys(wishes(), Person(), before=address, file=FILE) == address
    assert keys(wishes(), Person(), before={}, file=None) == {}


@pytest.mark.usefixtures("address")
def test_a_key_is_not_written_without_the_address_that_it_is_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    person = Person(False, True)
    assert keys(wishes(), person, before={}, file=FILE) == {"ELEPHANTASM_LLM": "auto"}
    assert len(person.asked) == 2


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("answers", [[False], [True, False], [True, True]])
def test_what_was_answered_is_not_asked_again(answers: list[bool]):
    before = keys(wishes(), Person(*answers), before={}, file=FILE)
    assert keys(wishes(), Person(), before=before, file=FILE) == before


def test_a_key_is_not_written_where_others_would_see_it(key: str):
    assert key not in keys(wishes(), Person(True), before={}, file=None)


@pytest.mark.usefixtures("key")
def test_who_chose_to_spend_nothing_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_LLM", "extractive")
    assert keys(wishes(), Person(), before={}, file=FILE) == {}


def test_an_embedder_that_others_run_is_asked_about_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("ELEPHANTASM_LLM", "extractive")
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "openai")
    assert keys(wishes(), Person(False), before={}, file=FILE) == {
        "ELEPHANTASM_LLM": "host",
        "ELEPHANTASM_EMBEDDER": "auto",
    }


def test_the_key_of_a_server_is_written_only_after_a_yes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", "https://example.org")
    monkeypatch.setenv("ELEPHANTASM_API_KEY", "sk_live_x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")  # of no use to the bridge
    said = wishes()
    assert said.env() == {"ELEPHANTASM_ENDPOINT": "https://example.org"}
    person = Person(False)
    assert keys(said, person, before={}, file=FILE) == {}
    assert person.asked == [
        f"Write ELEPHANTASM_API_KEY, the key for https://example.org, into {FILE}?"
    ]
    assert keys(said, Person(True), before={}, file=FILE) == {"ELEPHANTASM_API_KEY": "sk_live_x"}
