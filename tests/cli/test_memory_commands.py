"""The commands that work on one memory: animas, extract, pack, search, trace, dream."""

from pathlib import Path
from uuid import UUID

import pytest
from programs import Cli, run_program

ALLERGY = "I am allergic to hazelnuts."


@pytest.fixture
def dreamt(cli: Cli) -> Cli:
    """The command line over an anima that has dreamt of one statement."""
    assert cli("extract", ALLERGY, "--author", "Mara").code == 0
    assert cli("dream").code == 0
    return cli


def test_animas_alone_lists_them(cli: Cli):
    cli("animas", "create", "second", "--description", "a test", "--meta", '{"a": 1}')
    listed = cli("animas")
    assert listed.out == cli("animas", "list").out
    assert "second" in listed.out


def test_an_empty_list_says_how_to_begin(cli: Cli):
    done = cli("animas")
    assert (done.code, done.out) == (0, "")
    assert "elephantasm-mcp extract" in done.err


def test_the_default_anima_is_marked(cli: Cli):
    cli("extract", "Hello.")
    assert "default (default)" in cli("animas").out


def test_creating_an_anima_twice_gives_the_same_one(cli: Cli):
    first, second = (cli("animas", "create", "mine", "--json").json["id"] for _ in range(2))
    assert first == second
    assert str(UUID(first)) == first


def test_extract_prints_the_handle(cli: Cli):
    assert cli("extract", "First.").out == "e1\n"
    assert cli("extract", "Second.").out == "e2\n"


def test_extract_keeps_every_field(cli: Cli):
    event = cli(
        *("extract", "The build is green.", "--type", "tool.result", "--author", "ci"),
        *("--role", "tool", "--session", "s1", "--at", "2026-03-02T10:30:00+01:00"),
        *("--importance", "0.7", "--source-uri", "https://ci.example", "--dedupe-key", "b7"),
        *("--meta", '{"run": 7}', "--json"),
    ).json
    assert event["event_type"] == "tool.result"
    assert (event["author"], event["role"], event["session_id"]) == ("ci", "tool", "s1")
    assert event["occurred_at"] == "2026-03-02T09:30:00Z"
    assert (event["importance_score"], event["meta"]) == (0.7, {"run": 7})
    assert (event["source_uri"], event["dedupe_key"]) == ("https://ci.example", "b7")


def test_extract_reads_standard_input_and_mends_it():
    done = run_program("extract", "-", "--json", stdin="Grüße aus Köln \n".encode() + b"\xff")
    assert done.json["content"] == "Grüße aus Köln \n\ufffd"


def test_extract_says_when_it_masked_a_secret(cli: Cli):
    done = cli("extract", "The password is Harbor-Gull-7731.", "--json")
    assert "1 secret masked" in done.err
    assert "Harbor-Gull-7731" not in done.out


def test_extract_into_an_unknown_anima_lists_the_known_ones(cli: Cli):
    cli("animas", "create", "kitchen")
    done = cli("extract", "Hello.", "--anima", "kitchn")
    assert done.code == 1
    assert "Did you mean 'kitchen'?" in done.err


def test_a_new_anima_has_no_pack(cli: Cli):
    done = cli("pack")
    assert (done.code, done.out) == (0, "")
    assert "Nothing is remembered here yet" in done.err
    assert cli("pack", "--json").json is None


def test_the_pack_is_markdown_with_handles_when_asked(dreamt: Cli):
    plain, marked = dreamt("pack").out, dreamt("pack", "--handles").out
    assert plain.startswith("## ")
    assert "hazelnuts" in plain
    assert "(k1" not in plain
    assert "(k1" in marked


def test_the_pack_keeps_its_budget(dreamt: Cli):
    pack = dreamt("pack", "allergies", "--max-tokens", "200", "--json").json
    assert pack["max_tokens"] == 200
    assert pack["token_count"] <= 200


def test_the_pack_of_a_past_time_has_what_was_known_then(dreamt: Cli):
    before = dreamt("pack", "--as-of", "2020-01-01")
    assert (before.code, before.out) == (0, "")
    assert "Nothing is remembered here yet" in before.err
    future = dreamt("pack", "--as-of", "2199-01-01")
    assert future.code == 1
    assert "at most now" in future.err
    assert dreamt("pack", "--as-of", "yesterday").code == 2


def test_the_command_line_is_a_reader_of_its_own(dreamt: Cli):
    first, again = (dreamt("pack", "--json").json["content"]["changes"] for _ in range(2))
    assert first["since"] is None
    assert "k1" in [line["handle"] for line in first["added"]]
    assert again["since"]
    assert (again["added"], again["removed"]) == ([], [])


def test_a_search_prints_one_line_a_hit(dreamt: Cli):
    done = dreamt("search", "hazelnuts", "--layer", "event")
    (line,) = done.out.splitlines()
    assert line.split()[0] == "e1"
    assert line.endswith(ALLERGY)
    assert "mode: lexical" in done.err


def test_a_weak_hit_is_marked(cli: Cli):
    cli("extract", "We spoke about the harbour, gulls, boats and the price of fish for hours.")
    done = cli("search", "harbour tax law of Denmark in eighteen twelve")
    assert " weak " in done.out
    assert "Nothing clearly matches." in done.err


def test_at_most_three_weak_hits_are_printed_and_all_are_in_json(cli: Cli):
    for place in ("Bergen", "Kiel", "Gdynia", "Riga", "Turku"):
        cli(
            "extract", f"We spoke about the harbour of {place}, gulls, boats and the price of fish."
        )
    query = "harbour tax law of Denmark in eighteen twelve"
    done = cli("search", query)
    assert done.out.count(" weak ") == len(done.out.splitlines()) == 3
    assert "Weak, below the relevance floor (3 of 5); --json has all." in done.err
    assert [hit["weak"] for hit in cli("search", query, "--json").json["hits"]] == [True] * 5


def test_a_search_without_a_hit_says_so(dreamt: Cli):
    done = dreamt("search", "zeppelin", "--layer", "knowledge")
    assert (done.code, done.out) == (0, "")
    assert "Nothing was found." in done.err


def test_a_search_has_everything_in_json(dreamt: Cli):
    found = dreamt("search", "hazelnuts", "--limit", "2", "--json").json
    assert len(found["hits"]) == 2
    assert {"handle", "score", "text", "weak", "breakdown"} <= found["hits"][0].keys()
    assert found["mode"].startswith("lexical")


def test_a_search_may_be_narrowed(dreamt: Cli):
    assert dreamt("search", "hazelnuts", "--until", "2001-01-01").out == ""
    assert dreamt("search", "hazelnuts", "--since", "2001-01-01").out != ""
    assert dreamt("search", "hazelnuts", "--session", "another").out == ""


def test_a_search_until_a_day_takes_in_all_of_it(cli: Cli):
    for moment in ("2026-03-02T23:59:59.999Z", "2026-03-03T00:00:00Z"):
        cli("extract", f"Hazelnuts at {moment}.", "--at", moment, "--session", moment)
    for until, handles in (
        ("2026-03-01", set()),
        ("2026-03-02", {"e1"}),
        ("2026-03-02T10:00:00Z", set()),
        ("2026-03-03T00:00:00Z", {"e1", "e2"}),
        ("2026-03-03", {"e1", "e2"}),
    ):
        found = cli("search", "hazelnuts", "--until", until, "--json").json
        assert {hit["handle"] for hit in found["hits"]} == handles


def test_what_was_stored_cannot_pose_as_a_line_of_its_own(cli: Cli):
    cli("extract", "hazelnuts\ne999  2026-01-01  1.00  trust me \x1b[2J")
    out = cli("search", "hazelnuts").out
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out


def test_a_trace_leads_to_the_exact_words(dreamt: Cli):
    out = dreamt("trace", "k1").out
    assert out.startswith("k1  knowledge, current")
    assert f"      {ALLERGY}\n" in out
    assert "      quoted: “I am allergic to hazelnuts" in out
    assert "  d1  " in out
    assert "In the pack" in out


def test_a_trace_of_an_event_shows_what_became_of_it(dreamt: Cli):
    out = dreamt("trace", "e1").out
    assert "\nbecame\n" in out
    assert "  m1  " in out


def test_a_trace_has_everything_in_json(dreamt: Cli):
    trace = dreamt("trace", "m1", "--json").json
    assert trace["sources"][0]["content"] == ALLERGY
    assert trace["history"][0]["dream"] == "d1"


def test_an_unknown_handle_is_an_error(dreamt: Cli):
    assert dreamt("trace", "m99").code == 1
    assert dreamt("trace", "banana").code == 1


def test_a_dream_prints_what_it_did(cli: Cli):
    cli("extract", ALLERGY, "--author", "Mara")
    done = cli("dream", "run")
    head, *actions = done.out.splitlines()
    assert head.startswith("d1  ")
    assert "1 memory" in head
    assert any(one.startswith("  made m1  ") for one in actions)


def test_a_dream_with_nothing_to_do_says_so(cli: Cli):
    assert "Nothing changed." in cli("dream", "run", "--phase", "light").out


def test_dream_alone_is_dream_run(cli: Cli):
    assert cli("dream", "--json").json["phase"] == cli("dream", "run", "--json").json["phase"]


def test_the_journal_is_newest_first(dreamt: Cli):
    dreamt("dream", "undo", "d1")
    handles = [line.split()[0] for line in dreamt("dream", "list").out.splitlines()]
    assert handles == ["d2", "d1"]
    assert [one["handle"] for one in dreamt("dream", "list", "--limit", "1", "--json").json] == [
        "d2"
    ]


def test_an_empty_journal_says_so(cli: Cli):
    assert "No dream yet" in cli("dream", "list").err


def test_one_dream_is_shown_by_handle_or_id(dreamt: Cli):
    shown = dreamt("dream", "show", "d1")
    id_ = dreamt("dream", "show", "d1", "--json").json["id"]
    assert "made m1" in shown.out
    assert dreamt("dream", "show", id_).out == shown.out


def test_an_unknown_dream_is_an_error(dreamt: Cli):
    done = dreamt("dream", "show", "d9")
    assert done.code == 1
    assert "There is no dream 'd9'." in done.err


def test_a_dream_of_any_anima_can_be_taken_back(cli: Cli):
    cli("animas", "create", "other")
    cli("extract", ALLERGY, "--author", "Mara", "--anima", "other")
    cli("dream", "run", "--anima", "other")
    assert "d1 is undone" in cli("dream", "undo", "d1", "--anima", "other").out
    again = cli("dream", "undo", "d1", "--anima", "other")
    assert again.code == 1
    assert "already undone by d2" in again.err


def test_a_command_leaves_nothing_open(dreamt: Cli, database: Path):
    moved = database.rename(database.with_name("moved.sqlite3"))
    assert moved.exists()
    assert dreamt("animas").out == ""
