"""`keys`, and whose an anima is."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from programs import Cli

from scenes import look


def test_a_key_is_printed_alone_and_once(cli: Cli, database: Path) -> None:
    made = cli("keys", "create", "laptop", "--user", "nadia")
    key = made.out.strip()
    assert key.startswith("sk_live_")
    assert "only time" in made.err
    assert key not in made.err
    listed = cli("keys", "list")
    assert key not in listed.out
    assert ["laptop", "nadia", f"{key[:12]}…", "read,write", "all"] == listed.out.splitlines()[
        1
    ].split()[:5]
    assert look(database, "SELECT name FROM users") == [("local",), ("nadia",)]


def test_as_json_the_key_stands_in_key(cli: Cli) -> None:
    cli("animas", "create", "work")
    made = cli(
        *("keys", "create", "k", "--scopes", "read,admin", "--anima", "work", "--expires", "30"),
        "--json",
    ).json
    assert made["key"].startswith(made["prefix"])
    assert (made["user"], made["scopes"], made["state"]) == ("local", ["read", "admin"], "active")
    assert made["animas"] == [cli("animas", "--json").json[0]["id"]]
    (listed,) = cli("keys", "list", "--json").json
    assert made.pop("key") not in str(listed)
    assert listed == made
    assert "work" in cli("keys", "list").out


def test_an_expiry_is_a_number_of_days_or_the_last_day(cli: Cli) -> None:
    made = cli("keys", "create", "a", "--expires", "2999-12-31", "--json").json
    assert made["expires_at"] == "3000-01-01T00:00:00Z"
    cli("keys", "create", "b", "--expires", "1", "--json")
    for wrong in ("0", "-1", "soon", "40000", "2999-13-01"):
        assert cli("keys", "create", "c", f"--expires={wrong}").code == 2
    assert cli("keys", "create", "c", "--expires", "2001-01-01").code == 1
    assert cli("keys", "create", "c", "--expires", "9999-12-31").code == 1
    assert date.fromisoformat(made["created_at"][:10]) > date(2025, 1, 1) - timedelta(1)


@pytest.mark.parametrize("scopes", ["", "all", "read,", "write read"])
def test_unknown_scopes_are_wrong_usage(cli: Cli, scopes: str) -> None:
    refused = cli("keys", "create", "k", "--scopes", scopes)
    assert (refused.code, refused.out) == (2, "")
    assert "they are read, write, admin" in refused.err


def test_a_key_is_revoked_and_stays_listed(cli: Cli) -> None:
    prefix = cli("keys", "create", "k", "--json").json["prefix"]
    assert "opens nothing any more" in cli("keys", "revoke", prefix).err
    assert cli("keys", "revoke", "k", "--json").json["state"] == "revoked"
    assert cli("keys", "list").out.splitlines()[1].endswith("revoked")
    assert cli("keys", "revoke", "other").code == 1
    assert cli("keys").code == 2


def test_without_keys_it_is_said_how_to_make_one(cli: Cli) -> None:
    listed = cli("keys", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "keys create" in listed.err
    assert cli("keys", "list", "--json").json == []


def test_an_anima_is_given_to_a_user_who_has_had_a_key(cli: Cli, database: Path) -> None:
    cli("animas", "create", "work")
    unknown = cli("animas", "set", "work", "--owner", "nadja")
    assert (unknown.code, "There is no user 'nadja'" in unknown.err) == (1, True)
    cli("keys", "create", "laptop", "--user", "nadia")
    cli("extract", "--anima", "work", "Hello.")
    given = cli("animas", "set", "work", "--owner", "nadia")
    assert "work is nadia's now" in given.err
    assert cli("animas", "--json").json == []
    names = "SELECT animas.name, users.name FROM animas JOIN users USING (user_no)"
    assert look(database, names) == [("work", "nadia")]
    cli("animas", "create", "work")
    refused = cli("animas", "set", "work", "--owner", "nadia")
    assert (refused.code, "already has an anima" in refused.err) == (1, True)
    assert cli("animas", "set", "work", "threshold=3", "--owner", "nadia").code == 1
