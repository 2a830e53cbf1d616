"""Hooks and imports take down the same transcripts, and nothing twice."""

import json
import subprocess
import sys

import anyio
from calling import DEADLINE_S, texts

from elephantasm_mcp.app import open_app
from elephantasm_mcp.memory import forgetting
from elephantasm_mcp.settings import load_settings
from elephantasm_mcp.types.views import ForgetRequest

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


def test_what_was_forgotten_is_taken_down_by_neither(session, stored, shop, environment):
    first = session("first")
    for text in SAID:
        first.write_line("user", text, cwd=str(shop))
    first.end()
    forget(shop, "e1")
    fork = session("fork")
    fork.transcript.write_bytes(first.transcript.read_bytes())
    fork.turn("And then?", "Done.")
    report = imported(first.transcript.parent, environment)
    assert report["left_out"]["forgotten before"] == 2
    assert texts(stored()) == [SAID[1], "And then?", "Done."]


def forget(shop, *handles):
    """Erase rows of the project's memory."""

    async def act():
        async with open_app(load_settings(anima_id="project"), folder=shop) as app:
            request = ForgetRequest(handles=handles)
            await forgetting.forget(app.core, app.user, request, confirmed=True)

    anyio.run(act)
