"""The few values that hooks read are what the settings say."""

from pathlib import Path

import pytest

from elephantasm_mcp.environment import config_file, read_place
from elephantasm_mcp.settings import load_settings

CASES = (
    {},
    {"ELEPHANTASM_DATABASE": "/srv/memory.sqlite3", "ELEPHANTASM_REDACT": "false"},
    {"ELEPHANTASM_ENDPOINT": "https://memory.example.org", "ELEPHANTASM_REDACT": "1"},
    {"ELEPHANTASM_ENDPOINT": "", "ELEPHANTASM_DATABASE": "~/memory.sqlite3"},
    {"elephantasm_database": "small.sqlite3", "ELEPHANTASM_EMBEDDER": "none"},
)


@pytest.mark.parametrize("values", CASES, ids=str)
@pytest.mark.parametrize("in_file", [False, True])
def test_hooks_read_what_the_settings_say(
    values: dict[str, str], in_file: bool, monkeypatch: pytest.MonkeyPatch
):
    if in_file:
        config_file().parent.mkdir(parents=True)
        config_file().write_text("".join(f"{one}={value}\n" for one, value in values.items()))
    else:
        for one, value in values.items():
            monkeypatch.setenv(one, value)
    settings, place = load_settings(), read_place()
    assert place.database == Path(settings.database).expanduser()
    assert place.endpoint == settings.endpoint
    assert place.redact == settings.redact
    assert place.models == (settings.embedder != "none")


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch):
    config_file().parent.mkdir(parents=True)
    config_file().write_text("export ELEPHANTASM_ANIMA_ID='from the file'\n")
    assert read_place().anima == "from the file"
    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", "from outside")
    assert read_place().anima == "from outside"


@pytest.mark.parametrize("name", ["", "project"])
def test_no_anima_of_ones_own_means_the_projects(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", name)
    assert read_place().anima is None


def test_an_anima_that_is_called_default_is_that_anima_as_for_a_server(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("ELEPHANTASM_ANIMA_ID", "default")
    assert read_place().anima == load_settings().anima_id == "default"


def test_a_database_that_is_named_beats_a_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_ENDPOINT", "https://memory.example.org")
    place = read_place(database="mine.sqlite3")
    assert (place.database, place.endpoint) == (Path("mine.sqlite3"), None)
