"""Complaints: what is said of a value that breaks a rule.

Owns turning the validation library's errors into one sentence with field, rule and example, for
every surface. Knows no tool and no method. Invariant: no sentence from here holds the library's
text or the rejected value.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.similarity import nearest

JsonSchema: TypeAlias = Mapping[str, Any]

_EXAMPLES: dict[str, object] = {
    "boolean": True,
    "integer": 10,
    "number": 0.5,
    "string": "text",
    "array": ["text"],
    "object": {"key": "value"},
}
_FORMATS: dict[str, tuple[str, object]] = {
    "date-time": ("a date and time in ISO 8601", "2026-03-02T10:30:00Z"),
    "uuid": ("an id", "0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d"),
}
_BOUNDS = {
    "string": ("minLength", "maxLength", " characters"),
    "array": ("minItems", "maxItems", " items"),
    "integer": ("minimum", "maximum", ""),
    "number": ("minimum", "maximum", ""),
}


def guess(name: str, known: Iterable[str]) -> str:
    """`Did you mean …? ` with the known name that was probably meant, else nothing."""
    meant = nearest(name, known)
    return f"Did you mean `{meant}`? " if meant else ""


def unknown_argument(name: str, *, owner: str, known: Sequence[str]) -> str:
    """The sentence about an argument that does not exist."""
    names = ", ".join(known) or "no arguments"
    return f"Unknown argument `{name}` of `{owner}`. {guess(name, known)}It takes: {names}."


def not_one_of(field: str, *, owner: str, allowed: Sequence[str]) -> ValidationError:
    """The error about a value that is none of the allowed ones."""
    names = ", ".join(f"`{value}`" for value in allowed)
    message = f'`{field}` of `{owner}` must be one of {names}. Example: "{allowed[0]}".'
    return ValidationError(message, field=field)


def rejected(
    error: PydanticValidationError, *, owner: str, schema: JsonSchema, names: Mapping[str, str] = {}
) -> ValidationError:
    """Our error about the first value that breaks a rule of `owner`, whose values `schema` rules.

    `names` says how users call a field that is called otherwise where it was validated.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    return rejected_at(first["loc"], first["type"], owner=owner, schema=schema, names=names)


def rejected_at(
    place: Sequence[str | int],
    fault: str,
    *,
    owner: str,
    schema: JsonSchema,
    names: Mapping[str, str] = {},
) -> ValidationError:
    """`rejected`, of the value at one place; `fault` is the validation library's type of error."""
    path = [names.get(str(step), step) for step in place]
    inner, part = _follow(path[:-1], schema)
    if fault == "extra_forbidden":
        known = list(_resolve(part, schema).get("properties", {}))
        name = str(path[-1])
        message = unknown_argument(name, owner=inner or owner, known=known)
        return ValidationError(message, field=name)
    name, part = _follow(path, schema)
    example = json.dumps(_example(part, schema), ensure_ascii=False)
    verb = "is missing; it must be" if fault == "missing" else "must be"
    message = f"`{name}` of `{owner}` {verb} {_rule(part, schema)}. Example: {example}."
    return ValidationError(message, field=name)


def without_null_arm(schema: JsonSchema) -> dict[str, Any]:
    """A schema without the arm that allows null; one arm alone takes its place."""
    arms = [arm for arm in schema.get("anyOf", []) if arm.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    match arms:
        case []:
            return rest
        case [arm]:
            return {**rest, **arm}
        case _:
            return {**rest, "anyOf": arms}


def _resolve(part: JsonSchema, schema: JsonSchema) -> dict[str, Any]:
    """A part of a schema with its null arm dropped and its reference followed."""
    part = without_null_arm(part)
    reference = part.get("$ref")
    if reference is None:
        return part
    return {**part, **schema.get("$defs", {}).get(reference.rpartition("/")[2], {})}


def _follow(path: Sequence[str | int], schema: JsonSchema) -> tuple[str, JsonSchema]:
    """The readable name of a place in the arguments (`events[3].role`) and the schema there."""
    name, part = "", schema
    for step in path:
        here = _resolve(part, schema)
        if isinstance(step, int):
            name, part = f"{name}[{step}]", here.get("items", {})
        elif step in here.get("properties", {}):
            name, part = (f"{name}.{step}" if name else step), here["properties"][step]
    return name or str(path[-1] if path else ""), part


def _rule(part: JsonSchema, schema: JsonSchema) -> str:
    """What a value must be, from its schema: `a whole number from 1 to 200`."""
    part = _resolve(part, schema)
    if "const" in part or "enum" in part:
        allowed = part.get("enum", [part.get("const")])
        return "one of " + ", ".join(f"`{value}`" for value in allowed)
    if "anyOf" in part:
        return " or ".join(_rule(arm, schema) for arm in part["anyOf"])
    if part.get("format") in _FORMATS:
        return _FORMATS[part["format"]][0]
    kind = part.get("type", "")
    noun = {
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "an object",
    }.get(kind, "a valid value")
    if "enum" in _resolve(part.get("items", {}), schema):
        noun = f"{noun}, each {_rule(part['items'], schema)}"
    return noun + _bounds(part, kind)


def _bounds(part: JsonSchema, kind: str) -> str:
    low_key, high_key, unit = _BOUNDS.get(kind, ("", "", ""))
    low, high = part.get(low_key), part.get(high_key)
    of = "of " if unit else "from "
    match low, high:
        case None, None:
            return ""
        case 1, None if unit:
            return " that is not empty"
        case _, None:
            return f" of at least {low:g}{unit}"
        case None, _:
            return f" of at most {high:g}{unit}"
        case _:
            return f" {of}{low:g} to {high:g}{unit}"


def _example(part: JsonSchema, schema: JsonSchema) -> object:
    """A value that would do: the declared example, else one that the schema suggests."""
    part = _resolve(part, schema)
    if part.get("examples"):
        return part["examples"][0]
    if "const" in part or "enum" in part:
        return part.get("enum", [part.get("const")])[0]
    if "anyOf" in part:
        return _example(part["anyOf"][-1], schema)
    if part.get("format") in _FORMATS:
        return _FORMATS[part["format"]][1]
    items = _resolve(part.get("items", {}), schema)
    if "enum" in items:
        return [items["enum"][0]]
    if "properties" in items:
        required = items.get("required", [])
        return [{name: _example(items["properties"][name], schema) for name in required}]
    return part.get("default") or _EXAMPLES.get(part.get("type", ""), "text")
