"""Wishes: what an entry says of settings, and what nobody writes without being told to.

Owns which settings go with an entry and the questions about keys. Invariant: a key is written, and
may be spent by the background task, only after a yes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from elephantasm_mcp.clients.table import is_secret
from elephantasm_mcp.environment import variables
from elephantasm_mcp.settings import Settings, config_file, origin, variable

Ask: TypeAlias = Callable[[str], bool]
"""Puts a question to the user; anything but a yes is a no."""

PROJECT: Final = "project"
"""The anima of the project at hand."""
_CARRIED: Final = (
    *("database", "endpoint", "timeout", "llm", "anthropic_base_url", "openai_base_url"),
    *("daily_tokens", "embedder", "background_jobs", "redact", "log"),
)
"""Settings that mean something to a server that a client starts."""
_ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user has said, here and in the environment."""

    settings: Settings
    given: Mapping[str, object]
    """What the command line said, by setting."""
    env_file: Path | None
    anima: str | None = None

    def env(self) -> dict[str, str]:
        """The variables of an entry that were said here, without keys.

        What the environment says here is written, since a client need not have the same one.
        """
        env = {name: one for name, one in self._carried().items() if not is_secret(name, one)}
        if self.anima:
            env[variable("anima_id")] = self.anima
        elif self.origin("anima_id") == _ENVIRONMENT:
            env[variable("anima_id")] = self.settings.anima_id
        return env

    def addresses(self) -> dict[str, str]:
        """The variables that hold an address with a password, which is as good as a key."""
        return {name: one for name, one in self._carried().items() if is_secret(name, one)}

    def _carried(self) -> dict[str, str]:
        said = {name: getattr(self.settings, name) for name in _CARRIED if self._is_said(name)}
        return {variable(name): _written(name, one) for name, one in said.items() if one != ""}

    def default_env(self, *, works_in_projects: bool) -> dict[str, str]:
        """Variables for an entry that does not have them yet, since nobody said otherwise."""
        unsaid = works_in_projects and self.origin("anima_id") == "default"
        return {variable("anima_id"): PROJECT} if unsaid else {}

    @property
    def args(self) -> tuple[str, ...]:
        """Options of the program: which file has the settings, where a client would not find it."""
        moved = variables(["XDG_CONFIG_HOME"]) and config_file().is_file()
        file = self.env_file or (config_file() if moved else None)
        return ("--env-file", str(file.absolute())) if file else ()

    def origin(self, name: str) -> str:
        """Where a setting comes from."""
        return origin(name, env_file=self.env_file)

    def _is_said(self, name: str) -> bool:
        if name == "database" and self.origin(name) == "default" and not self.settings.endpoint:
            return bool(self.given.get(name) or variables(["XDG_DATA_HOME"]))
        return bool(self.given.get(name)) or self.origin(name) == _ENVIRONMENT


def keys(
    wishes: Wishes, ask: Ask, *, before: Mapping[str, str], file: str | None
) -> dict[str, str]:
    """The variables about keys, after asking; `before` are those of the entry that is there.

    What was answered then is not asked again. `file` is where a key would stand; None where others
    would see it, and none is written.
    """
    env = dict(_addresses(wishes, ask, before=before, file=file))
    if wishes.settings.endpoint:
        return env | dict(_server_key(wishes, ask, before=before, file=file))
    return env | _providers(wishes, ask, before=before, file=file, addresses=env)


def _providers(
    wishes: Wishes,
    ask: Ask,
    *,
    before: Mapping[str, str],
    file: str | None,
    addresses: Mapping[str, str],
) -> dict[str, str]:
    """Whether keys may be spent, and those that may be written; `addresses` are written too."""
    settings = wishes.settings
    fields = list(_provider_keys(settings))
    if not fields:
        return {}
    names = " and ".join(map(variable, fields))
    llm = variable("llm")
    answered = before.get(llm)
    spend = (
        answered != "host"
        if answered
        else ask(
            f"May the server's background task use {names} to write memories, up to"
            f" {settings.daily_tokens:,} tokens a day?"
        )
    )
    if not spend:
        own = settings.embedder.startswith("openai") and not settings.openai_base_url
        return {llm: "host"} | ({variable("embedder"): "auto"} if own else {})
    env = {llm: settings.llm}
    for field in fields:
        name = variable(field)
        address = variable(field.replace("_api_key", "_base_url"))
        if address in wishes.addresses() and address not in addresses:
            continue  # a key without its address would go to another provider
        if file is None or wishes.origin(field) != _ENVIRONMENT:
            continue
        if name in before or (
            not answered
            and ask(f"Write {name} into {file}? Without it, only clients that inherit it use it.")
        ):
            env[name] = str(getattr(settings, field))
    return env


def _addresses(
    wishes: Wishes, ask: Ask, *, before: Mapping[str, str], file: str | None
) -> Iterator[tuple[str, str]]:
    for name, address in wishes.addresses().items():
        if file is None:
            continue
        if name in before or ask(f"Write {name}, which holds a password, into {file}?"):
            yield name, address


def _server_key(
    wishes: Wishes, ask: Ask, *, before: Mapping[str, str], file: str | None
) -> Iterator[tuple[str, str]]:
    name, key = variable("api_key"), wishes.settings.api_key
    if not key or file is None or wishes.origin("api_key") != _ENVIRONMENT:
        return
    if name in before or ask(f"Write {name}, the key for {wishes.settings.endpoint}, into {file}?"):
        yield name, key


def _provider_keys(settings: Settings) -> Iterator[str]:
    """The keys that a server with these settings would use."""
    writer = settings.llm.partition(":")[0]
    auto = writer == "auto"
    if settings.anthropic_api_key and (auto or writer == "anthropic"):
        yield "anthropic_api_key"
    first = not (auto and settings.anthropic_api_key)
    writes = first and (auto or writer == "openai")
    if settings.openai_api_key and (writes or settings.embedder.startswith("openai")):
        yield "openai_api_key"


def _written(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if name == "database" and "://" not in str(value):
        return str(Path(str(value)).expanduser().absolute())
    return str(value)
