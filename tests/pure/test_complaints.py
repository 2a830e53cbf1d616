"""What is said of a bad value, for any schema."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from pydantic import ValidationError as PydanticValidationError

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.pure.complaints import not_one_of, rejected, unknown_argument


class Inner(BaseModel, extra="forbid"):
    size: int = Field(ge=1, le=9)


class Outer(BaseModel):
    many: list[Inner] = Field(default_factory=list, max_length=2)
    name: str = Field("", max_length=5, examples=["abc"])
    share: float | None = Field(None, ge=0)
    count: int | None = Field(None, ge=1)
    when: datetime | None = None
    owner: UUID | str | None = None
    kinds: tuple[Literal["a", "b"], ...] = ()


def said_of(**values: object) -> ValidationError:
    with pytest.raises(PydanticValidationError) as caught:
        Outer.model_validate(values)
    return rejected(caught.value, owner="tool", schema=Outer.model_json_schema())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "abcdef"}, 'a text of at most 5 characters. Example: "abc".'),
        ({"share": -1}, "a number of at least 0. Example: 0.5."),
        ({"count": 0}, "a whole number of at least 1. Example: 10."),
        ({"when": "soon"}, 'a date and time in ISO 8601. Example: "2026-03-02T10:30:00Z".'),
        ({"owner": 3}, 'an id or a text. Example: "text".'),
        ({"kinds": "a"}, 'a list, each one of `a`, `b`. Example: ["a"].'),
    ],
)
def test_the_rule_is_read_from_the_schema(values: dict[str, object], said: str) -> None:
    (field,) = values
    error = said_of(**values)
    assert str(error) == f"`{field}` of `tool` must be {said}"
    assert error.field == field


def test_a_place_inside_is_named_and_may_be_missing() -> None:
    assert str(said_of(many=[{"size": 1}, {}])) == (
        "`many[1].size` of `tool` is missing; it must be a whole number from 1 to 9. Example: 10."
    )


def test_an_unknown_name_inside_names_the_nearest() -> None:
    error = said_of(many=[{"sise": 1, "size": 1}])
    assert str(error) == unknown_argument("sise", owner="many[0]", known=["size"])
    assert error.field == "sise"


def test_a_field_is_called_as_its_users_call_it() -> None:
    with pytest.raises(PydanticValidationError) as caught:
        Outer.model_validate({"name": 3})
    schema = {"properties": {"label": {"type": "string"}}}
    error = rejected(caught.value, owner="tool", schema=schema, names={"name": "label"})
    assert str(error) == '`label` of `tool` must be a text. Example: "text".'


def test_the_allowed_values_are_listed() -> None:
    error = not_one_of("phase", owner="dream", allowed=("auto", "light"))
    assert str(error) == '`phase` of `dream` must be one of `auto`, `light`. Example: "auto".'
