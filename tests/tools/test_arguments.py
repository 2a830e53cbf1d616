"""How clients see arguments, and what leaving one out means."""

from pydantic import BaseModel, Field

from elephantasm_mcp.tools.arguments import lean, without_nulls


class Inner(BaseModel):
    size: int = Field(ge=1, le=9)


class Outer(BaseModel):
    inner: Inner | None = None
    name: str = Field("", max_length=5, examples=["abc"])
    share: float | None = Field(None, ge=0)


SCHEMA = Outer.model_json_schema()


def test_a_lean_schema_keeps_rules_and_drops_noise() -> None:
    assert lean(SCHEMA)["properties"]["share"] == {"type": "number", "minimum": 0}
    assert lean(SCHEMA)["properties"]["inner"] == {"$ref": "#/$defs/Inner"}
    assert lean(SCHEMA)["$defs"]["Inner"]["properties"]["size"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
    }


def test_null_says_nothing_but_false_and_zero_do() -> None:
    assert without_nulls({"a": None, "b": 0, "c": False, "d": ""}) == {"b": 0, "c": False, "d": ""}
