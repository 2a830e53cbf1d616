"""Hooks in clients' files: the commands with which a client feeds the memory by itself.

Owns which client calls which of its events where, and how one stands there. What a hook does is the
command `hook`'s. Invariant: hooks of others stay where they are, in their order.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elephantasm_mcp.clients import configs, json_text
from elephantasm_mcp.clients.command import ends_of_program
from elephantasm_mcp.clients.json_text import JsonValue, Step
from elephantasm_mcp.clients.machine import Machine
from elephantasm_mcp.clients.table import BY_NAME, NAME, Format, codex_folder
from elephantasm_mcp.errors import ValidationError

SECTION: Final = "hooks"
TIMEOUT_S: Final = 5
"""A hook leaves within two seconds by itself; the rest is for starting it on a busy machine."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting with which a client calls no hooks, whatever stands in their file."""

    file: Callable[[Machine], Path]
    format: Format
    path: tuple[str, ...]
    off: bool | str
    """The value, alone or in a list, with which they are off."""

    @property
    def shown(self) -> str:
        """The setting as people write it."""
        return f"{'.'.join(self.path)}: {json.dumps(self.off)}"

    def is_off(self, text: str) -> bool:
        """Whether the text of its file says so.

        Raises:
            ValidationError: the text is not of that format.
        """
        value = configs.value_at(text, self.path, self.format)
        return value is self.off or (isinstance(value, list) and self.off in value)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a client calls."""

    file: Callable[[Machine], Path]
    events: tuple[str, ...]
    """Its events, by its names."""
    item: Callable[[str], JsonValue]
    """How a command stands in the list of an event."""
    comments: bool = False
    """Whether its file may have comments."""
    version: int | None = None
    """What the file says of its own form, where it must."""
    then: str = ""
    """What its user has to do before it calls them."""
    plugins: str = ""
    """Where the same file names the plugins that are switched on; ours brings hooks too."""
    switches: tuple[Switch, ...] = ()


def _grouped(command: str) -> JsonValue:
    return {"hooks": [{"type": "command", "command": command, "timeout": TIMEOUT_S}]}


def _in_milliseconds(command: str) -> JsonValue:
    hook = {"type": "command", "command": command, "timeout": 1000 * TIMEOUT_S}
    return {"hooks": [{"name": NAME, **hook}]}


def _bare(command: str) -> JsonValue:
    return {"command": command, "timeout": TIMEOUT_S}


def _claude_settings(machine: Machine) -> Path:
    return machine.moved.get("CLAUDE_CONFIG_DIR", machine.home / ".claude") / "settings.json"


TABLE: Final = {
    # "Hooks reference" of Claude Code's documentation: settings, command hooks, events
    "claude-code": Hooks(
        file=_claude_settings,
        events=("SessionStart", "UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"),
        item=_grouped,
        plugins="enabledPlugins",
        switches=(Switch(_claude_settings, "json", ("disableAllHooks",), off=True),),
    ),
    # "Hooks" of Cursor's documentation: ~/.cursor/hooks.json, version 1
    "cursor": Hooks(
        file=lambda machine: machine.home / ".cursor" / "hooks.json",
        events=("sessionStart", "beforeSubmitPrompt", "afterAgentResponse"),
        item=_bare,
        comments=True,
        version=1,
    ),
    # "Hooks" of Codex: hooks.json beside config.toml, and the feature by its two names
    "codex": Hooks(
        file=lambda machine: codex_folder(machine) / "hooks.json",
        events=("SessionStart", "UserPromptSubmit", "Stop"),
        item=_grouped,
        then="Codex calls hooks only once you have looked at them: `/hooks`.",
        switches=(
            Switch(BY_NAME["codex"].file, "toml", ("features", "hooks"), off=False),
            Switch(BY_NAME["codex"].file, "toml", ("features", "codex_hooks"), off=False),
        ),
    ),
    # docs/hooks/reference.md of google-gemini/gemini-cli: settings.json, times in milliseconds;
    # `hooksConfig` as in its docs/reference/configuration.md
    "gemini-cli": Hooks(
        file=BY_NAME["gemini-cli"].file,
        events=("SessionStart", "BeforeAgent", "AfterAgent"),
        item=_in_milliseconds,
        comments=True,
        switches=(
            Switch(BY_NAME["gemini-cli"].file, "jsonc", ("hooksConfig", "enabled"), off=False),
            Switch(BY_NAME["gemini-cli"].file, "jsonc", ("hooksConfig", "disabled"), off=NAME),
        ),
    ),
}


def plugin_in(text: str, hooks: Hooks) -> str | None:
    """The name of our plugin, which brings hooks of its own, if it is switched on.

    Raises:
        ValidationError: it is no JSON.
    """
    found = configs.value_at(text, (hooks.plugins,), "json") if hooks.plugins else None
    named = found.items() if isinstance(found, dict) else ()
    return next((name for name, on in named if name.partition("@")[0] == NAME and on is True), None)


def put(text: str, hooks: Hooks, command_of: Callable[[str], str]) -> str:
    """The text in which each event calls its command of `command_of`, once.

    Raises:
        ValidationError: it is no JSON, or something else stands where hooks would.
    """
    made = text
    if hooks.version is not None and not text.strip():
        made = json_text.put(text, ("version",), hooks.version)
    for event in hooks.events:
        item = hooks.item(command_of(event))
        items = _items(made, event, hooks)
        if item not in items or sum(map(_calls_us, items)) > 1:
            made = _take_out_of(made, event, hooks)
            place = len(_items(made, event, hooks))
            made = json_text.put(made, (SECTION, event, place), item, comments=hooks.comments)
    _check(text if text.strip() else made, made, hooks)
    return made


def take_out(text: str, hooks: Hooks) -> str:
    """The text without any hook of ours.

    Raises:
        ValidationError: it is no JSON, or something else stands where hooks would.
    """
    made = text
    for event in hooks.events:
        if not any(_commands(_items(made, event, hooks))):
            continue
        made = _take_out_of(made, event, hooks)
        if not _items(made, event, hooks):
            made = json_text.take_out(made, (SECTION, event), comments=hooks.comments)
    _check(text, made, hooks)
    return made


def calls(text: str, hooks: Hooks) -> dict[str, list[str]]:
    """The commands of ours that are called, by event; without the events that call none.

    Raises:
        ValidationError: it is no JSON, or something else stands where hooks would.
    """
    found = {event: list(_commands(_items(text, event, hooks))) for event in hooks.events}
    return {event: commands for event, commands in found.items() if commands}


def _items(text: str, event: str, hooks: Hooks) -> list[JsonValue]:
    document = json_text.read(text, comments=hooks.comments).value
    section = document.get(SECTION, {}) if isinstance(document, dict) else None
    items = section.get(event, []) if isinstance(section, dict) else None
    if not isinstance(items, list):
        raise ValidationError(f"There is something else where {SECTION!r} would stand.")
    return items


def _take_out_of(text: str, event: str, hooks: Hooks) -> str:
    for place in reversed(list(_places(_items(text, event, hooks)))):
        path = (SECTION, event, *place)
        text = json_text.take_out(text, path, comments=hooks.comments)
    return text


def _places(items: list[JsonValue]) -> Iterator[tuple[Step, ...]]:
    """Where ours are: a whole item, or, where somebody added theirs to it, a part of one."""
    for index, item in enumerate(items):
        if _calls_us(item):
            yield (index,)
        elif isinstance(item, dict) and isinstance(inner := item.get(SECTION), list):
            for at, one in enumerate(inner):
                if _calls_us(one):
                    yield index, SECTION, at


def _calls_us(item: JsonValue) -> bool:
    """Whether an item calls our commands and nothing else."""
    if not isinstance(item, dict):
        return False
    inner = item.get(SECTION)
    if isinstance(inner, list):
        return bool(inner) and all(map(_calls_us, inner))
    command = item.get("command")
    return isinstance(command, str) and _is_a_call(command)


def _is_a_call(command: str) -> bool:
    """Whether it starts this program with `hook EVENT`."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quotation without an end is nobody's command
        return False
    rests = (words[end:] for end in ends_of_program(words))
    return any(rest[0] == "hook" for rest in rests if len(rest) > 1)


def _commands(items: list[JsonValue]) -> Iterator[str]:
    """The commands of ours among items, and in the groups among them."""
    for one in items:
        if not isinstance(one, dict):
            continue
        if isinstance(inner := one.get(SECTION), list):
            yield from _commands(inner)
        elif isinstance(command := one.get("command"), str) and _is_a_call(command):
            yield command


def _check(before: str, after: str, hooks: Hooks) -> None:
    """An edit of text is believed only when all that is not ours reads as before."""
    if _others(before, hooks) != _others(after, hooks):
        raise ValidationError("It is written in a way that cannot be changed here without harm.")


def _others(text: str, hooks: Hooks) -> JsonValue:
    document = json_text.read(text, comments=hooks.comments).value
    if not isinstance(document, dict) or not isinstance(document.get(SECTION, {}), dict):
        return document
    kept: dict[str, JsonValue] = {}
    section = document.get(SECTION)
    for event, items in section.items() if isinstance(section, dict) else ():
        if not isinstance(items, list):
            kept[event] = items
            continue
        rest = [_without_ours(one) for one in items if not _calls_us(one)]
        kept |= {event: rest} if rest or event not in hooks.events else {}
    others = {key: value for key, value in document.items() if key != SECTION}
    return {**others, SECTION: kept} if kept else others


def _without_ours(item: JsonValue) -> JsonValue:
    if not isinstance(item, dict) or not isinstance(inner := item.get(SECTION), list):
        return item
    return {**item, SECTION: [one for one in inner if not _calls_us(one)]}
