"""The shape of an answer as providers want it described, and an answer read into that shape.

Owns the JSON schema of structured output and finding the JSON in what a model said. Knows no
provider. Invariant: what is returned has passed the pydantic model, whatever the provider promised.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.ports import ModelT

_KEPT: Final = ("type", "properties", "items", "enum", "const", "anyOf", "$ref", "$defs")
"""What all providers of structured output understand; bounds are checked when it is read."""
_FENCED: Final = re.compile(r"```[\w-]*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


def strict_schema(shape: type[ModelT]) -> dict[str, Any]:
    """The JSON schema of a model in the subset of strict structured output."""
    return _strict(shape.model_json_schema())


def _strict(part: Mapping[str, Any]) -> dict[str, Any]:
    """Every property required, none beside them, no bounds, titles and defaults."""
    strict: dict[str, Any] = {}
    for key in _KEPT:
        if key not in part:
            continue
        value = part[key]
        match key:
            case "properties" | "$defs":
                strict[key] = {name: _strict(inner) for name, inner in value.items()}
            case "items":
                strict[key] = _strict(value)
            case "anyOf":
                strict[key] = [_strict(arm) for arm in value]
            case _:
                strict[key] = value
    if "properties" in strict:
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict


def read_answer(text: str, shape: type[ModelT]) -> ModelT | None:
    """The answer in the given shape; None when there is none in the text.

    A model that was not held to the schema puts fences or words around its JSON.
    """
    for candidate in _candidates(text):
        try:
            return shape.model_validate(json.loads(candidate))
        except (PydanticValidationError, ValueError, RecursionError):
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    """What may be the JSON: the whole, what is fenced, from the first brace to the last."""
    yield text
    if fenced := _FENCED.search(text):
        yield fenced[1]
    if (first := text.find("{")) < (last := text.rfind("}")):
        yield text[first : last + 1]
