"""Hooks and imports take down the same transcripts, and nothing twice."""

import json
import subprocess
import sys

from calling import DEADLINE_S, texts

SAID = ["We move billing to PostgreSQL.", "Bogdan must sign it off."]


def imported(path, environment):
    """What the report of an import says."""
    done = subprocess.run(
        [sys.executable, "-m", "elephantasm_mcp", "import", "claude-code", str(path), "--json"],
        env=environment(),
        capture_output=True,
        timeout=DEADLINE_S,
        check=True,
    )
    return json.loads(done.stdout)


def test_an_import_adds_nothing_to_what_hooks_took_down(session, stored, shop, environment):
    first = session("first")
    for text in SAID:
        first.write_line("user", text, cwd=str(shop))
    first.end()
    before = stored()
    assert texts(before) == SAID
    report = imported(first.transcript.parent, environment)
    assert (report["stored"], report["duplicates"]) == (0, 2)
    assert stored() == before


def test_hooks_add_nothing_to_what_was_imported(session, stored, shop, environment):
    first = session("first")
    first.write_line("user", SAID[0], cwd=str(shop))
    assert imported(first.transcript, environment)["stored"] == 1
    first.write_line("user", SAID[1], cwd=str(shop))
    first.end()
    assert texts(stored()) == SAID
