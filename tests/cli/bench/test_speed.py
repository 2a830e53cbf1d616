"""`bench speed` as a command, with so few rows that nothing it says is true."""

from pathlib import Path

import pytest
from programs import Cli

from elephantasm_mcp.cli.bench import speed
from elephantasm_mcp.cli.bench.speed_trial import GOALS_MS, ORDER

ROWS = (60, 120)
QUICK = [
    "bench",
    "speed",
    "--rows",
    "60",
    "120",
    "--others",
    "2",
    "--strangers",
    "50",
    "--rounds",
    "2",
]
ALWAYS = {
    "pack with a query": "sqlite-vec scan + FTS5",
    "pack, with the other animas": "sqlite-vec scan + FTS5",
    "pack without a query": None,
    "first pack, cold anima": None,
    "loading a cold anima": None,
    "search": "sqlite-vec scan + FTS5",
    "search by words alone": "FTS5 joined on anima",
    "rows by words (BM25)": "FTS5 joined on anima",
    "extract one event": "bare commit, 1 row",
    "extract 50 events": "bare commit, 50 rows",
}


def figures(cli: Cli, *options: str) -> list[dict]:
    done = cli(*QUICK, *options, "--json")
    assert done.code == 0
    return done.json["figures"]


def test_every_part_is_timed_at_every_size_beside_its_rival(cli: Cli, database: Path):
    found = figures(cli, "--embedder", "none")
    assert {(one["what"], one["rows"]): one["beside"] for one in found} == {
        (what, rows): beside for what, beside in ALWAYS.items() for rows in ROWS
    }
    assert all(0 < one["p50_ms"] <= one["p99_ms"] for one in found)
    assert not database.exists()


def test_vectors_are_timed_beside_memory_and_a_scan(cli: Cli):
    found = [one for one in figures(cli, "--embedder", "static") if "vectors" in one["what"]]
    assert [(one["rows"], one["beside"]) for one in found] == [
        (rows, beside) for rows in ROWS for beside in ("reading the matrix once", "sqlite-vec scan")
    ]


def test_lists_say_how_much_they_find(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("elephantasm_mcp.cli.bench.speed_trial.SIGNS_FROM", 100)
    found = figures(cli, "--embedder", "static")
    (listed,) = [one for one in found if one["what"] == "nearest vectors by lists"]
    assert (listed["rows"], listed["recall"]) == (120, 1.0)


def test_a_goal_stands_where_the_number_of_rows_has_one():
    assert {what for what, _ in GOALS_MS} <= set(ORDER)
    assert {rows for _, rows in GOALS_MS} == set(speed.ROWS)


def test_the_table_says_what_a_ratio_is(cli: Cli):
    lines = cli(*QUICK, "--embedder", "none").out.splitlines()
    assert lines[0].split() == "rows p50 ms p99 ms goal recall beside p50 ms ratio".split()  # noqa: SIM905
    assert sum(one.startswith("pack") for one in lines) == 3 * len(ROWS)
    assert max(map(len, lines)) <= 110
    assert any("ratio:" in one for one in lines)
