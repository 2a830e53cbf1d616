"""Arguments: how tools declare them, and how clients see them.

Owns the annotations that several tools share and the lean form of their JSON schemas. Does not know
what a tool does with them (see `complaints` for what is said of a bad one). Invariant: null and
leaving out mean the same.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from elephantasm_mcp.pure.complaints import without_null_arm
from elephantasm_mcp.types.records import GivenDatetime

JsonSchema: TypeAlias = Mapping[str, Any]

# An optional text is `""` and not None when it is left out: the SDK reads a text that looks like
# JSON as JSON unless the annotation is exactly `str`, and a tool result often looks like JSON.
AnimaArgument = Annotated[
    str,
    Field(
        description="Anima by id or exact name; left out: the default one.",
        max_length=255,
        examples=["my-project"],
    ),
]
SessionArgument = Annotated[
    str, Field(description="Conversation id.", max_length=255, examples=["chat-42"])
]
MomentArgument = Annotated[GivenDatetime | None, Field(examples=["2026-03-02T10:30:00Z"])]

_NOISE = ("title", "default", "examples", "additionalProperties", "propertyNames")


def lean(schema: JsonSchema) -> dict[str, Any]:
    """A tool's input schema without what models do not need: titles, null arms, empty defaults.

    An argument that may be left out is one that `required` does not name, and null means the same.
    """
    slim: dict[str, Any] = {}
    for key, value in without_null_arm(schema).items():
        if key in ("properties", "$defs"):
            slim[key] = {name: lean(part) for name, part in value.items()}
        elif key == "items":
            slim[key] = lean(value)
        elif key not in _NOISE or (key == "default" and value not in ("", None)):
            slim[key] = value
    return slim


def without_nulls(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something: null means the same as leaving out."""
    return {name: value for name, value in arguments.items() if value is not None}
