"""`grant`: give, list, revoke."""

import pytest
from programs import Cli

RULE = "I am allergic to hazelnuts."


@pytest.fixture
def two(cli: Cli) -> Cli:
    """`house-rules` knows a rule, `coder` has heard something."""
    for name, said in (("house-rules", RULE), ("coder", "Hello.")):
        cli("animas", "create", name)
        cli("extract", said, "--anima", name)
        cli("dream", "--anima", name)
    return cli


def test_a_grant_is_given_listed_and_revoked(two: Cli):
    given = two("grant", "add", "house-rules", "--to", "coder")
    assert given.code == 0
    assert given.out.endswith("  local/coder may read the knowledge of local/house-rules\n")
    id_ = given.out.split()[0]
    assert "allergic to hazelnuts" in two("pack", "--anima", "coder").out
    assert "(house-rules:k1)" in two("pack", "--anima", "coder", "--handles").out
    listed = two("grant", "list").out.splitlines()
    assert listed[0].split() == [
        "grant", "source", "reader", "may", "read", "granted", "(UTC)", "revoked", "(UTC)"
    ]  # fmt: skip
    assert listed[1].startswith(f"{id_}  local/house-rules  local/coder  knowledge")
    assert two("grant", "revoke", id_).code == 0
    assert "allergic to hazelnuts" not in two("pack", "--anima", "coder").out
    (kept,) = two("grant", "list", "--anima", "coder", "--json").json
    assert (kept["id"], kept["revoked_by"]) == (id_, "local")


def test_options_say_which_layers(two: Cli):
    both = two("grant", "add", "house-rules", "--to", "coder", "--memories", "--json").json
    assert (both["knowledge"], both["memories"]) == (False, True)
    both = two("grant", "add", "house-rules", "--to", "coder", "--knowledge", "--json").json
    assert (both["knowledge"], both["memories"]) == (True, True)


def test_a_trace_says_by_whose_grant_a_row_is_read(two: Cli):
    two("grant", "add", "house-rules", "--to", "coder")
    traced = two("trace", "house-rules:k1", "--anima", "coder").out
    assert "  by a grant of local/house-rules since 2" in traced
    assert "\n  house-rules:e1  2" in traced
    assert traced.count("allergic to hazelnuts") == 1


def test_without_a_part_or_a_reader_the_usage_is_wrong(cli: Cli):
    assert cli("grant").code == 2
    assert cli("grant", "add", "house-rules").code == 2
    refused = cli("grant", "add", "house-rules", "--to", "coder")
    assert (refused.code, refused.out) == (1, "")
    assert "There is no anima 'house-rules'." in refused.err
    assert cli("grant", "list").err == "Nothing is granted.\n"
