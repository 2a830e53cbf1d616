"""Configurations: our entry in the text of a client's file, whatever its format.

Owns the choice of the format and the proof that an edit changed nothing else. Invariant: a text
that comes out of here holds the same values as the one that went in, but for what is ours.
"""

from collections.abc import Sequence
from typing import Any

from elephantasm_mcp.clients import json_text, toml_text, yaml_text
from elephantasm_mcp.clients.json_text import JsonValue
from elephantasm_mcp.clients.table import Format
from elephantasm_mcp.errors import ValidationError


def value_at(text: str, path: Sequence[str], kind: Format) -> Any:  # noqa: ANN401 - as it is there
    """What stands at `path`; None if nothing does.

    Raises:
        ValidationError: the text is not of that format.
    """
    value = _read(text, kind)
    for key, above in zip(path, (None, *path), strict=False):
        if value is None:
            return None
        if not isinstance(value, dict):
            place = "settings" if above is None else repr(above)
            raise ValidationError(f"There is something else where {place} would stand.")
        value = value.get(key)
    return value


def put(text: str, path: Sequence[str], value: dict[str, JsonValue], kind: Format) -> str:
    """The text with `value` at `path`.

    Raises:
        ValidationError: the text is not of that format, or cannot be changed without harm.
    """
    value_at(text, path, kind)
    match kind:
        case "json" | "jsonc":
            made = json_text.put(text, path, value, comments=kind == "jsonc")
        case "toml":
            made = toml_text.put(text, path, value)
        case "yaml":
            made = yaml_text.put(text, path, value)
    _check(text, made, path, kind, value)
    return made


def take_out(text: str, path: Sequence[str], kind: Format) -> str:
    """The text without what stands at `path`; the same if nothing does.

    Raises:
        ValidationError: the text is not of that format, or cannot be changed without harm.
    """
    if value_at(text, path, kind) is None:
        return text
    match kind:
        case "json" | "jsonc":
            made = json_text.take_out(text, path, comments=kind == "jsonc")
        case "toml":
            made = toml_text.take_out(text, path)
        case "yaml":
            made = yaml_text.take_out(text, path)
    _check(text, made, path, kind, None)
    return made


def take_out_empty(text: str, section: str, kind: Format) -> str:
    """The text without a section in which nothing is left; TOML's need none to be in.

    Raises:
        ValidationError: the text is not of that format, or cannot be changed without harm.
    """
    match kind:
        case "json" | "jsonc":
            made = json_text.take_out_empty(text, section, comments=kind == "jsonc")
        case "toml":
            return text
        case "yaml":
            made = yaml_text.take_out_empty(text, section)
    if made != text:
        _check(text, made, (section,), kind, None)
    return made


def render(value: dict[str, JsonValue], path: Sequence[str], kind: Format) -> str:
    """A text with nothing but `value` at `path`."""
    return put("", path, value, kind).rstrip()


def _read(text: str, kind: Format) -> Any:  # noqa: ANN401 - any format's values
    match kind:
        case "json" | "jsonc":
            return json_text.read(text, comments=kind == "jsonc").value
        case "toml":
            return toml_text.at(text, ())
        case "yaml":
            return yaml_text.at(text, ())


def _check(
    before: str, after: str, path: Sequence[str], kind: Format, value: dict[str, JsonValue] | None
) -> None:
    """An edit of text is believed only when what comes out of it reads as it should."""
    try:
        changed = value_at(after, path, kind) != value
        others = _without(_read(before, kind), path) != _without(_read(after, kind), path)
    except ValidationError:
        changed = others = True
    if changed or others:
        raise ValidationError("It is written in a way that cannot be changed here without harm.")


def _without(values: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any format's values
    """The values but for what is at `path`, and but for what stays empty without it."""
    if not isinstance(values, dict):
        return values or {}
    key, *rest = path
    kept = {name: one for name, one in values.items() if name != key}
    inner = _without(values.get(key), rest) if rest and values.get(key) is not None else {}
    return {**kept, key: inner} if inner else kept
