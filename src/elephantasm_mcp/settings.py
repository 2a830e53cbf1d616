"""Settings: the reader of the environment, with `environment`, which hooks read alone.

Owns every variable that users may set, their defaults and where each value came from. Does not
decide what a value means for the program. Invariant: an explicit argument beats the environment,
which beats the `.env` of our own configuration folder, which beats the default; a `.env` of the
current folder is never read, because it may be a stranger's.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic import ValidationError as PydanticValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from elephantasm_mcp.environment import PREFIX, config_file, default_database
from elephantasm_mcp.errors import ValidationError

LogLevel = Literal["debug", "info", "warning", "error"]


_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_OTHER_NAMES = {
    "background_jobs": "ENABLE_BACKGROUND_JOBS",
    "anthropic_api_key": "ANTHROPIC_API_KEY",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
}
"""Variables that are called as everybody else calls them, by field."""
_RULES = {
    "anima_id": "a name or id of 1 to 255 characters",
    "timeout": "a number of seconds above 0",
    "daily_tokens": "a whole number from 0 on",
    "background_jobs": "true or false",
    "redact": "true or false",
    "rate_per_min": "a whole number from 0 on",
    "port": "a whole number from 0 to 65535",
    "log": "debug, info, warning or error",
}
"""What a value must be, for the message about one that is not."""


class Settings(BaseSettings):
    """What users may set, with its default. Field names are the variables' names without prefix."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    database: str = Field(default_factory=default_database)
    anima_id: str = Field("default", min_length=1, max_length=255)
    endpoint: str | None = None
    api_key: str | None = Field(None, repr=False)
    timeout: float = Field(30.0, gt=0)
    llm: str = "auto"
    anthropic_api_key: str | None = Field(None, repr=False, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: str | None = Field(None, validation_alias="ANTHROPIC_BASE_URL")
    openai_api_key: str | None = Field(None, repr=False, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    daily_tokens: int = Field(100_000, ge=0, le=1_000_000_000_000)
    embedder: str = "auto"
    background_jobs: bool = Field(True, validation_alias="ENABLE_BACKGROUND_JOBS")
    redact: bool = True
    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)
    allowed_hosts: str = ""
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    rate_per_min: int = Field(6_000, ge=0, le=1_000_000_000)
    log: LogLevel = "warning"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, `.env`; nothing else is read."""
        del settings_cls, file_secret_settings
        return init_settings, env_settings, dotenv_settings


def variable(field: str) -> str:
    """The environment variable of a settings field."""
    return _OTHER_NAMES.get(field, f"{PREFIX}{field.upper()}")


def use_one_thread() -> None:
    """Have numpy compare vectors on one thread, unless the user says otherwise.

    For a program of ours, before it imports numpy: more threads wait for each other longer than
    they compute. It is not for a process that only uses the SDK, whose numpy is not ours to set.
    """
    for name in _BLAS_THREADS:
        os.environ.setdefault(name, "1")


def load_settings(*, env_file: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """Read the settings; `overrides` that are None are left to the environment.

    Raises:
        ValidationError: a value breaks its rule (the message names the variable), a setting does
            not exist, or the file cannot be read.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in given.keys() - Settings.model_fields.keys():
        raise ValidationError(
            f"There is no setting {name!r}.",
            field=name,
            hint=f"There are: {', '.join(Settings.model_fields)}.",
        )
    path = env_file or config_file()
    if env_file or path.is_file():
        _check_readable(path)
    try:
        return Settings(_env_file=path, **given)
    except PydanticValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        field = next((one for one, other in _OTHER_NAMES.items() if other == name), name.lower())
        raise ValidationError(
            f"{variable(field)} must be {_RULES.get(field, 'a text')}.",
            field=field,
            hint="Correct or remove it; `elephantasm-mcp doctor` lists all settings.",
        ) from error


def _check_readable(path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(
            f"The settings file {path.name} cannot be read as text.",
            field="env_file",
            hint="Name another file, or make it UTF-8 text.",
        ) from error


def origin(field: str, *, env_file: Path | None = None) -> str:
    """Where a field's value comes from: `environment`, the `.env` file's name, or `default`."""
    name = variable(field)
    if os.environ.get(name):
        return "environment"
    path = env_file or config_file()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    keys = {line.split("=", 1)[0].strip().removeprefix("export ").strip() for line in lines}
    return path.name if name in {key.upper() for key in keys} else "default"
