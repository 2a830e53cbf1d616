"""Settings: where a value comes from, and what a bad one says."""

import re
from pathlib import Path

import pytest

from elephantasm_mcp import settings as module
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.settings import Settings, config_file, load_settings, origin, variable

VALUES = {
    "database": "/tmp/x.sqlite3",  # noqa: S108 - never opened
    "anima_id": "work",
    "endpoint": "https://example.org",
    "api_key": "sk_live_x",
    "timeout": "5",
    "llm": "extractive",
    "anthropic_api_key": "sk-ant-x",
    "anthropic_base_url": "http://127.0.0.1:1",
    "openai_api_key": "sk-x",
    "openai_base_url": "http://127.0.0.1:1/v1",
    "daily_tokens": "5",
    "embedder": "none",
    "background_jobs": "false",
    "redact": "false",
    "host": "0.0.0.0",  # noqa: S104 - never bound
    "port": "1",
    "allowed_hosts": "example.org",
    "jwks_url": "https://example.org/jwks.json",
    "jwt_issuer": "https://example.org/",
    "jwt_audience": "elephantasm",
    "rate_per_min": "5",
    "log": "debug",
}
BAD = {
    "anima_id": "x" * 256,
    "timeout": "-7.5",
    "daily_tokens": "-1",
    "background_jobs": "perhaps",
    "redact": "maybe",
    "port": "65536",
    "rate_per_min": "-1",
    "log": "loud",
}


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / "settings.env"


def test_every_setting_is_tried_here():
    assert set(VALUES) == set(Settings.model_fields)


@pytest.mark.parametrize("field", sorted(VALUES))
def test_a_setting_has_a_default_and_can_be_set_in_every_way(field, monkeypatch, env_file):
    default = getattr(load_settings(), field)
    assert origin(field, env_file=env_file) == "default"
    env_file.write_text(f"{variable(field)}={VALUES[field]}\n")
    from_file = getattr(load_settings(env_file=env_file), field)
    assert from_file != default
    assert str(from_file).lower() in (VALUES[field], f"{VALUES[field]}.0")
    assert origin(field, env_file=env_file) == "settings.env"
    env_file.write_text(f"{variable(field)}=\n")
    monkeypatch.setenv(variable(field), VALUES[field])
    assert getattr(load_settings(env_file=env_file), field) == from_file
    assert origin(field, env_file=env_file) == "environment"
    assert getattr(load_settings(**{field: default}), field) == (
        from_file if default is None else default
    )


@pytest.mark.parametrize("field", sorted(BAD))
def test_a_bad_value_names_its_variable(field, monkeypatch):
    monkeypatch.setenv(variable(field), BAD[field])
    with pytest.raises(ValidationError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{variable(field)} must be ")
    assert caught.value.field == field
    assert BAD[field] not in str(caught.value)
    monkeypatch.delenv(variable(field))
    with pytest.raises(ValidationError) as caught:
        load_settings(**{field: BAD[field]})
    assert caught.value.field == field


def test_the_environment_beats_the_file_and_an_empty_value_counts_as_none(monkeypatch, env_file):
    env_file.write_text("ELEPHANTASM_LLM=extractive\nELEPHANTASM_EMBEDDER=none\n")
    monkeypatch.setenv("ELEPHANTASM_LLM", "auto")
    monkeypatch.setenv("ELEPHANTASM_EMBEDDER", "")
    found = load_settings(env_file=env_file)
    assert (found.llm, found.embedder) == ("auto", "none")
    assert origin("embedder", env_file=env_file) == "settings.env"


def test_the_file_of_our_own_folder_is_read_and_one_of_the_current_folder_never(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("ELEPHANTASM_ANIMA_ID=stranger\n")
    assert load_settings().anima_id == "default"
    config_file().parent.mkdir(parents=True)
    config_file().write_text("# a comment\nexport ELEPHANTASM_ANIMA_ID='mine'\nOTHER=1\n")
    assert load_settings().anima_id == "mine"
    assert origin("anima_id") == ".env"
    assert origin("llm") == "default"


def test_a_file_that_is_no_text_is_an_error(env_file):
    env_file.write_bytes(b"ELEPHANTASM_LLM=\xff\xfe\n")
    with pytest.raises(ValidationError, match=r"settings\.env"):
        load_settings(env_file=env_file)


def test_a_file_that_was_named_and_is_not_there_is_an_error(env_file):
    with pytest.raises(ValidationError, match=r"settings\.env"):
        load_settings(env_file=env_file)


def test_a_setting_that_does_not_exist_is_an_error():
    with pytest.raises(ValidationError, match="lmm") as caught:
        load_settings(lmm="auto")
    assert caught.value.field == "lmm"


@pytest.mark.parametrize("field", ["api_key", "anthropic_api_key", "openai_api_key"])
def test_a_key_is_in_no_representation(field):
    assert "sk_live" not in repr(load_settings(**{field: "sk_live_secret"}))


def test_nothing_else_reads_the_environment():
    package = Path(module.__file__).parent
    readers = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if re.search(r"os\.environ[.\[]|getenv", file.read_text(encoding="utf-8"))
    }
    assert readers == {"settings.py", "environment.py"}
