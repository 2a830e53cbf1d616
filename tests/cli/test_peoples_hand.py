"""The commands of a person's hand: curate, forget, redact, animas set and delete, unused rows."""

from pathlib import Path

import pytest
from programs import Cli

ALLERGY = "I am allergic to hazelnuts."


@pytest.fixture
def dreamt(cli: Cli) -> Cli:
    """The command line over an anima that has dreamt of one statement."""
    cli("extract", ALLERGY, "--author", "Mara")
    assert cli("dream").code == 0
    return cli


def test_curate_prints_the_row_as_it_is_now(dreamt: Cli):
    done = dreamt("curate", "k1", "correct", "Mara is allergic to walnuts.", "--reason", "said so")
    assert done.code == 0
    assert done.out == "d2  correct k1  Mara is allergic to walnuts.\n"
    assert "walnuts" in dreamt("pack").out
    dreamt("dream", "undo", "d2")
    assert "walnuts" not in dreamt("pack").out


def test_curate_reclassifies_and_gives_json(dreamt: Cli):
    report = dreamt("curate", "k1", "reclassify", "--type", "PRINCIPLE", "--json").json
    (action,) = report["actions"]
    assert (action["before"]["type"], action["after"]["type"]) == ("FACT", "PRINCIPLE")


def test_curating_an_event_says_what_to_do_instead(dreamt: Cli):
    done = dreamt("curate", "e1", "archive")
    assert done.code == 1
    assert "forget_memory" in done.err


def test_forget_alone_only_says_what_would_go(dreamt: Cli):
    done = dreamt("forget", "e1")
    assert done.code == 0
    assert done.out.startswith("Would erase in default: 1 event (e1), 1 memory (m1)")
    assert "--yes" in done.err
    assert "hazelnuts" in dreamt("trace", "e1").out


def test_forget_with_yes_leaves_no_byte_and_prints_a_receipt(dreamt: Cli, database: Path):
    done = dreamt("forget", "e1", "--yes")
    assert done.out.startswith("Erased in default: 1 event (e1), 1 memory (m1)")
    assert "Not reached: copies that were made with `backup`" in done.out
    for file in database.parent.glob(f"{database.name}*"):
        assert b"hazelnut" not in file.read_bytes()


def test_forget_takes_a_session_or_everything(dreamt: Cli):
    dreamt("extract", "Hello.", "--session", "s1")
    report = dreamt("forget", "--session", "s1", "--yes", "--json").json
    assert (report["events"], report["memories"]) == (["e2"], [])
    report = dreamt("forget", "--everything", "--yes", "--json").json
    assert report["events"] == ["e1"]


@pytest.mark.parametrize("named", [(), ("e1", "--everything"), ("--session", "s", "--everything")])
def test_forget_takes_one_way_to_name_what_goes(cli: Cli, named: tuple[str, ...]):
    done = cli("forget", *named, "--anima", "a")
    assert done.code == 2
    assert "--everything" in done.err


def test_forget_takes_handles_behind_its_options(dreamt: Cli):
    assert "(e1)" in dreamt("forget", "--anima", "default", "e1").out


def planned(dreamt: Cli) -> str:
    """The id of a plan of one step: to merge what was said twice."""
    dreamt("extract", ALLERGY, "--author", "Mara", "--session", "s2")
    dreamt("dream", "run", "--phase", "synthesis")
    found = dreamt("dream", "run", "--phase", "deep", "--dry-run")
    assert "1. merge" in found.out
    (command,) = [one for one in found.out.splitlines() if "--accept 1" in one]
    return command.split()[3]


def test_dream_complete_does_the_accepted_steps_of_a_plan(dreamt: Cli):
    done = dreamt("dream", "complete", planned(dreamt), "--accept", "1")
    assert done.code == 0
    assert "merge" in done.out
    report = dreamt("dream", "list", "--json").json[0]
    assert report["actions"]


def test_a_number_that_the_plan_does_not_have_is_named(dreamt: Cli):
    done = dreamt("dream", "complete", planned(dreamt), "--accept", "7, 9")
    assert done.code == 1
    assert "The plan has no number 7" in done.err


@pytest.mark.parametrize("answers", [(), ("proposals.json", "--accept", "1"), ("--accept", "one")])
def test_dream_complete_takes_a_file_or_numbers(cli: Cli, answers: tuple[str, ...]):
    assert cli("dream", "complete", "ID", *answers).code == 2


def test_redact_shows_first_and_masks_with_yes(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELEPHANTASM_REDACT", "false")
    cli("extract", "The password is Harbor-Gull-7731")
    cli("animas", "create", "other")
    done = cli("redact")
    assert done.out.splitlines() == [
        "default: Would mask 1 in 1 event, 0 memories, 0 pieces of knowledge, 0 changes of the"
        " journal.",
        "other: nothing to mask.",
    ]
    assert "Harbor-Gull-7731" in cli("pack").out
    assert cli("redact", "--yes").out.startswith("default: Masked 1 in 1 event")
    assert "Harbor-Gull-7731" not in cli("pack").out


def test_animas_set_changes_what_is_named_and_prints_all(cli: Cli):
    cli("animas", "create", "mine")
    done = cli("animas", "set", "mine", "threshold=5", "never_store=ACME-####, Project Phoenix")
    assert "threshold = 5.0" in done.out
    assert 'never_store = ["ACME-####", "Project Phoenix"]' in done.out
    again = cli("animas", "set", "mine", 'event_types=["message.in"]')
    assert "threshold = 5.0" in again.out
    assert cli("extract", "Ticket ACME-1234.", "--anima", "mine").code == 0
    assert "ACME" not in cli("pack", "--anima", "mine").out
    skipped = cli("extract", "An answer.", "--type", "message.out", "--anima", "mine")
    assert "`event_types` has no message.out" in skipped.err


def test_animas_set_names_a_bad_value_with_its_rule(cli: Cli):
    cli("animas", "create", "mine")
    done = cli("animas", "set", "mine", "threshold=0")
    assert done.code == 1
    assert "`threshold` of `settings` must be a number from 0.01 to 100000." in done.err
    assert cli("animas", "set", "mine", "threshold").code == 2


def test_animas_delete_asks_for_yes(dreamt: Cli):
    done = dreamt("animas", "delete", "default")
    assert done.code == 0
    assert "default holds 1 event, 1 memory" in done.err
    assert dreamt("animas", "delete", "default", "--yes").code == 0
    assert dreamt("animas", "list", "--json").json == []


def test_dream_list_unused_names_both_kinds(dreamt: Cli):
    done = dreamt("dream", "list", "--unused")
    assert done.out.splitlines() == [
        "In no pack for 90 days: 0",
        "In nearly every one of 0 packs: 0",
    ]
    for _ in range(10):
        dreamt("pack")
    found = dreamt("dream", "list", "--unused", "--json").json
    assert found["packs_read"] == 10
    assert "k1" in {row["handle"] for row in found["crowding"]}
