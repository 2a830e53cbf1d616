"""What providers are told of an answer's shape, and an answer found in what a model said."""

import json

import pytest
from pydantic import BaseModel, Field

from elephantasm_mcp.synthesis.prices import cost_usd
from elephantasm_mcp.synthesis.schemas import read_answer, strict_schema


class Part(BaseModel):
    size: int = Field(1, ge=0, le=9)


class Whole(BaseModel):
    """With a docstring that is nobody's business."""

    name: str = Field(min_length=1)
    parts: list[Part] = Field(default_factory=list)
    note: str | None = None


def test_a_schema_requires_everything_and_allows_nothing_else():
    assert strict_schema(Whole) == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["name", "parts", "note"],
        "additionalProperties": False,
        "$defs": {
            "Part": {
                "type": "object",
                "properties": {"size": {"type": "integer"}},
                "required": ["size"],
                "additionalProperties": False,
            }
        },
    }


SAID = json.dumps({"name": "```json\n{}\n```", "parts": [{"size": 3}]})


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        f"  {SAID}\n",
        f"```json\n{SAID}\n```",
        f"Gladly:\n\n```\n{SAID}\n```\nAnything else?",
        f"Here: {SAID} That is all.",
    ],
)
def test_an_answer_is_found_among_fences_and_words(text):
    found = read_answer(text, Whole)
    assert found is not None
    assert found.parts == [Part(size=3)]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", SAID[:-3], '{"name": ""}', "{" * 100_000, '{"name": NaN}', "null"]
)
def test_what_is_no_answer_is_none(text):
    assert read_answer(text, Whole) is None


def test_a_model_costs_what_its_maker_says_and_an_unknown_one_nothing_known():
    assert cost_usd("claude-haiku-5-5", tokens_in=1_000_000, tokens_out=1_000_000) == 0.6
    assert cost_usd("claude-haiku-5-5-20261007", tokens_in=1_000_000, tokens_out=0) == 0.1
    assert cost_usd("claude-haiku-5-5-mini", tokens_in=1, tokens_out=1) is None
    assert cost_usd("qwen3:8b", tokens_in=1, tokens_out=1) is None
