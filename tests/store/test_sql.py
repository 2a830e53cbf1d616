"""Reading named statements and migrations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.store.sql import load_migrations, load_statements, parse_statements


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "some_engine"
    (folder / "migrations").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "some_engine", raising=False)
    return folder


def test_the_statements_of_all_files_of_a_package_are_read_by_name(package):
    (package / "animas.sql").write_text(
        "-- Statements about animas.\n\n"
        "-- name: get_anima\n-- One anima.\nSELECT *\nFROM animas WHERE id = :id;\n\n"
        "-- name: drop_anima\n-- Removes one.\nDELETE FROM animas WHERE id = :id\n"
    )
    (package / "events.sql").write_text("-- name: get_event\n-- One event.\nSELECT 1;\n")
    (package / "notes.txt").write_text("not SQL")
    assert load_statements("some_engine") == {
        "get_anima": "SELECT *\nFROM animas WHERE id = :id",
        "drop_anima": "DELETE FROM animas WHERE id = :id",
        "get_event": "SELECT 1",
    }


def test_one_name_in_two_files_is_an_error(package):
    for noun in ("animas", "events"):
        (package / f"{noun}.sql").write_text("-- name: get\n-- One.\nSELECT 1;\n")
    with pytest.raises(ValueError, match=r"events\.sql: the statement get exists twice"):
        load_statements("some_engine")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;\n-- name: get\n-- One.\nSELECT 1;", "before the first name"),
        ("-- name: Get It\n-- One.\nSELECT 1;", "'Get It' is not a statement's name"),
        ("-- name:\n-- One.\nSELECT 1;", "'' is not a statement's name"),
        ("-- name: get\nSELECT 1;", "get lacks the sentence"),
        ("-- name: get\n-- One.\n;", "get has no SQL"),
        ("-- name: get\n-- One.\n-- name: put\n-- Two.\nSELECT 1;", "get has no SQL"),
    ],
)
def test_a_file_that_breaks_the_format_is_an_error_that_names_it(text, complaint):
    with pytest.raises(ValueError, match=f"x.sql: .*{complaint}"):
        list(parse_statements(text, source="x.sql"))


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), st.integers()))
def test_what_is_written_in_the_format_is_read_back(numbers):
    statements = {name: f"SELECT :a,\n  {number}" for name, number in numbers.items()}
    text = "\n".join(f"-- name: {name}\n-- A.\n{sql};\n" for name, sql in statements.items())
    assert dict(parse_statements(text, source="x.sql")) == statements


def test_migrations_are_read_in_the_order_of_their_numbers(package):
    (package / "migrations" / "0002_second.sql").write_text("B")
    (package / "migrations" / "0001_initial.sql").write_text("A")
    found = load_migrations("some_engine")
    assert [(step.version, step.name, step.sql) for step in found] == [
        (1, "initial", "A"),
        (2, "second", "B"),
    ]


@pytest.mark.parametrize(
    "names",
    [["0002_late.sql"], ["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"], ["first.sql"]],
)
def test_a_gap_a_double_number_or_a_strange_name_among_migrations_is_an_error(package, names):
    for name in names:
        (package / "migrations" / name).touch()
    with pytest.raises(ValueError, match="migration"):
        load_migrations("some_engine")
