"""Views: what queries may ask, and how hits and packs read."""

import pydantic
import pytest

from elephantasm_mcp import types
from elephantasm_mcp.types.reading import PackQuery, SearchHit, SearchHits, SearchQuery


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"query": "x", "limit": 0},
        {"query": "x", "limit": 201},
        {"query": "x", "layers": ["dream"]},
        {"query": "x", "since": "yesterday"},
        {"query": "x", "top": 3},
    ],
)
def test_a_search_that_breaks_a_rule_is_refused(fields):
    with pytest.raises(pydantic.ValidationError):
        SearchQuery(**fields)


@pytest.mark.parametrize("fields", [{"max_tokens": 0}, {"max_tokens": 200_001}, {"preset": "x"}])
def test_a_pack_that_breaks_a_rule_is_refused(fields):
    with pytest.raises(pydantic.ValidationError):
        PackQuery(**fields)


def hit(**fields):
    return SearchHit(
        id="00000000-0000-0000-0000-000000000001",
        handle="e1",
        layer="event",
        text="x",
        score=0.5,
        reason="hybrid",
        breakdown={},
        **fields,
    )


def test_hits_are_weak_when_all_of_them_are():
    assert SearchHits([], mode="lexical").weak
    assert SearchHits([hit(weak=True)], mode="lexical").weak
    assert not SearchHits([hit(weak=True), hit()], mode="lexical").weak


def test_what_the_package_names_as_its_types_is_there():
    for name in types.__all__:
        assert getattr(types, name) is not None
    assert sorted(types.__all__) == types.__all__
