"""Sessions of Claude Code, played by a script that drives the hooks as it does."""

from calling import call_hook, texts

from elephantasm_mcp.hooks.opening import OPENING


def test_a_second_session_knows_what_the_first_said(session, stored):
    first = session("first")
    assert first.start() == f"{OPENING}\n"
    first.turn("We move billing to PostgreSQL.", "Noted: billing moves to PostgreSQL.")
    first.turn("Bogdan must sign it off before Thursday.", "Then I prepare it for Wednesday.")
    first.end()
    shown = session("second").start()
    assert "We move billing to PostgreSQL." in shown
    assert "Bogdan must sign it off before Thursday." in shown
    assert '<memory-pack key="' in shown
    assert "(e1, raw)" in shown
    assert shown.startswith(OPENING)
    assert "shop-" in shown.split("\n")[1]
    assert texts(stored()) == [
        "We move billing to PostgreSQL.",
        "Noted: billing moves to PostgreSQL.",
        "Bogdan must sign it off before Thursday.",
        "Then I prepare it for Wednesday.",
    ]


def test_a_prompt_recalls_what_other_sessions_said_and_not_what_this_one_did(session):
    first = session("first")
    first.turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    assert "heron" in second.turn("What is the staging server called?", "It is called heron.")
    assert "heron" not in second.turn("And where is the staging server heron?", "In Porto.")


def test_a_prompt_repeats_nothing_that_the_session_was_shown_at_its_start(session):
    session("first").turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    assert "heron" in second.start()
    assert second.turn("What is the staging server called?", "heron") == ""


def test_after_compaction_what_was_shown_before_is_shown_again(session):
    session("first").turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    asked = "What is the staging server called?"
    recalled = second.turn(asked, "It is called heron.")
    assert "heron" in recalled
    assert second.turn(asked, "Still heron.") == ""
    call_hook("SessionStart", second.payload("SessionStart", source="compact"), "--anima", "other")
    assert second.turn(asked, "Still heron.") == recalled


def test_nothing_that_was_printed_comes_in_again(session, stored):
    session("first").turn("The staging server is called heron.", "Good to know.")
    second = session("second")
    shown = second.start()
    second.write_line("attachment", attachment={"type": "hook_success", "content": shown})
    second.write("user", f"<session-start-hook>{shown}</session-start-hook>")
    second.write("user", shown)
    second.write("user", shown[: len(shown) // 2])
    second.write("user", "\n".join(one for one in shown.split("\n") if "memory-pack" not in one))
    second.turn("Deploy to it.", f"As remembered:\n{shown}\nI deploy.")
    said = texts(stored())
    assert said[2:] == ["## Relevant Memories", "Deploy to it.", "As remembered:\n\nI deploy."] or (
        said[2:] == ["Deploy to it.", "As remembered:\n\nI deploy."]
    )
    assert not any("heron" in one for one in said[2:])


def test_a_project_sees_nothing_of_another(session, tmp_path):
    session("first").turn("The staging server is called heron.", "Good to know.")
    (tmp_path / "other").mkdir()
    other = session("second")
    other.folder = tmp_path / "other"
    assert other.start() == f"{OPENING}\n"


def test_a_session_stays_with_the_project_that_it_began_in(session, stored, tmp_path):
    first = session("first")
    first.start()
    first.folder = tmp_path
    first.turn("I only looked around.", "Good.")
    assert texts(stored()) == ["I only looked around.", "Good."]


def test_what_a_subagent_does_is_none_of_our_business(session, stored):
    first = session("first")
    first.write("user", "Look at the tests.")
    call_hook("Stop", first.payload("Stop", agent_id="a1", agent_type="Explore"))
    assert stored() == []


def test_before_compaction_all_of_it_is_taken_down(session, stored):
    first = session("first")
    first.write("user", "The staging server is called heron.")
    call_hook("PreCompact", first.payload("PreCompact", trigger="auto", custom_instructions=""))
    assert texts(stored()) == ["The staging server is called heron."]


def test_secrets_are_masked_on_the_disk_too(session, stored, tmp_path):
    key = "sk-ant-api03-" + "Ab3" * 31
    first = session("first")
    first.write("user", f"Use {key} for the tests.")
    call_hook("Stop", first.payload("Stop"))
    for file in (tmp_path / "data").rglob("*"):
        assert file.is_dir() or key.encode() not in file.read_bytes()
    assert "[redacted" in stored()[0].content


def test_a_nod_recalls_nothing(session):
    session("first").turn("Yes, we commit to PostgreSQL, thanks.", "Good.")
    second = session("second")
    for nod in ("yes", "Ok, thanks!", "commit", "go ahead", "?"):
        assert second.turn(nod, "Done.") == ""
    assert "PostgreSQL" in second.turn("What did we commit to, PostgreSQL?", "Yes.")


def test_nothing_is_recalled_twice_in_other_rows(session, stored):
    first = session("first")
    first.turn("The staging server is called heron.", "Heron it is.")
    first.turn("Staging server: heron.", "Yes.")
    recalled = session("second").turn("What is the staging server called?", "heron")
    assert "is called heron" in recalled
    assert "Staging server: heron" not in recalled
    assert len(stored()) == 6


def test_what_tools_gave_is_printed_unasked_by_nobody(session):
    first = session("first")
    first.write("user", "Decision: tokens live 15 minutes.")
    for number in range(20):
        tool = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"file": "a.py"}}
        first.write("assistant", [tool])
        code = f"def refresh_{number}(tokens, minutes): return tokens.live(minutes)"
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": code}
        first.write("user", [result])
    first.turn("Next: the refresh endpoint.", "On it.")
    second = session("second")
    shown = second.start()
    assert "Decision: tokens live 15 minutes." in shown
    assert "Next: the refresh endpoint." in shown
    assert shown.count("def refresh") <= 3
    recalled = session("third").turn(
        "What was the decision, how many minutes do tokens live?", "15."
    )
    assert "Decision: tokens live 15 minutes." in recalled
    assert "def refresh" not in recalled


def test_the_current_session_is_the_one_that_goes_on(session):
    first = session("first")
    first.turn("The staging server is called heron.", "Good to know.")
    assert "## Current Session" in first.start(source="compact")
    assert "## Current Session" not in session("second").start()
