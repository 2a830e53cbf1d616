"""Archives: what is written, what is taken in, and what is refused, by name and as a whole."""

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from elephantasm_mcp.app import SystemIds
from elephantasm_mcp.errors import ConflictError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    archive,
    dreams,
    forgetting,
    grants,
    merging,
    packs,
    plans,
    soundness,
    uses,
)
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.reading import PackQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate
from elephantasm_mcp.types.views import ForgetRequest
from scenes import FILE, MINUTE, EachEvent, check_counters, look, open_core, tamper, tell

BEFORE = "something else here, or its id is taken"


async def write(core: Core, *, only: list[int] | None = None) -> bytes:
    file = BytesIO()
    await archive.export(core, LOCAL_USER, only, file.write)
    return file.getvalue()


async def take(core: Core, text: bytes, **options):
    return await archive.take_in(core, LOCAL_USER, lambda: BytesIO(text), **options)


def lines(text: bytes) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def sealed(rows: list[dict]) -> bytes:
    """An archive of these lines whose end says so."""
    texts = [json.dumps(row).encode() + b"\n" for row in rows]
    body = b"".join(texts)
    end = {"kind": "end", "rows": len(texts) - 1, "sha256": sha256(body).hexdigest()}
    return body + json.dumps(end).encode() + b"\n"


def changed(text: bytes, kind: str, **values: object) -> bytes:
    """The archive with other values in the first line of a kind."""
    rows = lines(text)[:-1]
    first = next(row for row in rows if row["kind"] == kind)
    first.get("row", first).update(values)
    return sealed(rows)


def rewritten(text: bytes, layer: str, **values: object) -> bytes:
    """The archive with other values in the first row of a layer, and in all that is said of it."""
    rows = lines(text)[:-1]
    for row in rows:
        if row["kind"] == layer and row["no"] == 1:
            row["row"] |= values
        if row["kind"] == "action" and (row["layer"], row["no"]) == (layer, 1) and row["after"]:
            row["after"] |= values
    return sealed(rows)


@asynccontextmanager
async def another(folder: Path, name: str = "other.sqlite3", clock: FakeClock | None = None):
    async with open_core(
        folder / name, clock=clock or FakeClock(), synthesizer=EachEvent()
    ) as core:
        yield replace(core, ids=SystemIds())


@pytest.fixture
async def told(core: Core, clock: FakeClock) -> Core:
    """Two animas, one of which may read of the other, with a dream, a reading and a tombstone."""
    await tell(core, "Nadia is allergic to hazelnuts.", author="Nadia", session_id="s")
    await tell(core, "Bo keeps bees.", meta={"b": [1, 2.5, None], "a": {"ü": "✓"}})
    await tell(core, "A secret to be forgotten.")
    clock.move(MINUTE)
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await packs.compile_pack(core, LOCAL_USER, PackQuery(), client="me")
    await uses.flush(core)
    await forgetting.forget(core, LOCAL_USER, ForgetRequest(handles=("e3",)), confirmed=True)
    made, _ = await animas.create(core, LOCAL_USER, AnimaCreate(name="rules", description="ours"))
    await tell(core, "No deploys on Fridays.", anima_id=made.id)
    await grants.add(core, LOCAL_USER, made.id, GrantRequest(to="default"))
    return core


async def test_what_was_taken_in_is_written_as_the_same_bytes(told: Core, tmp_path: Path):
    text = await write(told)
    async with another(tmp_path) as other:
        report = await take(other, text)
        assert report.animas == ["default", "rules"]
        assert report.added["event"] == 3
        assert await write(other) == text
        check_counters(tmp_path / "other.sqlite3")


async def test_an_archive_names_no_moment_no_user_and_no_place(told: Core, tmp_path: Path):
    first, *_, last = lines(await write(told))
    assert first.keys() == {"kind", "format", "version", "schema", "made_by"}
    assert last.keys() == {"kind", "rows", "sha256"}
    assert str(tmp_path).encode() not in await write(told)


async def test_what_was_forgotten_is_in_no_archive(told: Core):
    text = await write(told)
    assert b"A secret" not in text
    assert {"kind", "no", "layer", "at"} in [
        row.keys() for row in lines(text) if row["kind"] == "forgotten"
    ]


async def test_what_keeps_a_forgotten_event_forgotten_goes_with_the_archive(
    core: Core, tmp_path: Path
):
    await tell(core, "A secret.", dedupe_key="letter of Nadia")
    await forgetting.forget(core, LOCAL_USER, ForgetRequest(handles=("e1",)), confirmed=True)
    text = await write(core)
    assert b"Nadia" not in text
    async with another(tmp_path) as other:
        await take(other, text)
        assert await write(other) == text
        (again,) = await tell(other, "A secret.", dedupe_key="letter of Nadia")
        assert not again.stored


async def test_an_archive_from_before_keys_were_kept_is_read(told: Core, tmp_path: Path):
    rows = lines(await write(told))[:-1]
    assert not any("key_digest" in row for row in rows)
    rows[0]["schema"] = 12
    async with another(tmp_path) as other:
        assert (await take(other, sealed(rows))).added["forgotten"] == 2
        assert (await take(other, sealed(rows))).added.total() == 0


async def test_an_event_of_an_archive_that_has_a_forgotten_key_does_not_come_back(
    core: Core, tmp_path: Path
):
    await tell(core, "Before all.")
    empty = await write(core)
    async with another(tmp_path) as other:
        await take(other, empty)
        await tell(other, "Something else.")
        await tell(other, "A secret.", dedupe_key="letter of Nadia")
        copy = lines(await write(other))[:-1]
        copy = [row for row in copy if row["kind"] != "event" or row["no"] != 2]
    await tell(core, "A secret.", dedupe_key="letter of Nadia")
    await forgetting.forget(core, LOCAL_USER, ForgetRequest(handles=("e2",)), confirmed=True)
    with pytest.raises(ConflictError, match="e3 was forgotten here"):
        await take(core, sealed(copy))


async def test_packs_of_the_copy_are_the_same_bytes(told: Core, tmp_path: Path, clock: FakeClock):
    text = await write(told)
    asked = (PackQuery(), PackQuery(query="Who has an allergy?"), PackQuery(as_of=clock.now()))
    async with another(tmp_path, clock=clock) as other:
        await take(other, text)
        for query in asked:
            ours = await packs.compile_pack(told, LOCAL_USER, query)
            theirs = await packs.compile_pack(other, LOCAL_USER, query)
            assert ours is not None
            assert theirs.as_prompt() == ours.as_prompt()
            assert theirs.content["hash"] == ours.content["hash"]


async def test_numbers_go_on_behind_those_of_the_archive(told: Core, tmp_path: Path):
    async with another(tmp_path) as other:
        await take(other, await write(told))
        (recorded,) = await tell(other, "More.")
        assert recorded.event.handle == "e4"


async def test_row_ids_of_another_number_are_set_right(told: Core, tmp_path: Path):
    text = await write(told)
    async with another(tmp_path) as other:
        await animas.create(other, LOCAL_USER, AnimaCreate(name="there before"))
        await take(other, text)
        assert await write(other, only=[2, 3]) == text
        undone = await dreams.undo(other, LOCAL_USER, "d1", anima="default")
        assert (undone.removed, undone.events_held) == (["m1"], ["e1"])


async def test_what_was_merged_is_taken_in_however_much_was_read_before(
    core: Core, tmp_path: Path, clock: FakeClock
):
    for name in ("from", "into"):
        one = replace(core, default_anima=name)
        await tell(one, f"Tea is hot in {name}.")
        await dreams.run(one, LOCAL_USER, anima=None, phase="synthesis")
    await packs.compile_pack(
        replace(core, default_anima="from"), LOCAL_USER, PackQuery(), client="me"
    )
    await uses.flush(core)
    clock.move(MINUTE)
    await merging.merge(core, LOCAL_USER, "from", "into")
    assert look(tmp_path / FILE, "SELECT min(packs_before) < 0 FROM shown") == [(1,)]
    text = await write(core)
    async with another(tmp_path) as other:
        await take(other, text)
        assert await write(other) == text


async def test_an_undone_dream_stays_undone_in_the_copy(core: Core, tmp_path: Path):
    await tell(core, "Tea is hot.")
    await dreams.run(core, LOCAL_USER, anima=None, phase="synthesis")
    await dreams.undo(core, LOCAL_USER, "d1")
    async with another(tmp_path) as other:
        await take(other, await write(core))
        with pytest.raises(ConflictError, match="already undone by d2"):
            await dreams.undo(other, LOCAL_USER, "d1")


async def test_a_second_import_adds_nothing(told: Core):
    before = await write(told)
    report = await take(told, before)
    assert (report.animas, report.added.total()) == ([], 0)
    assert report.known["event"] == 3
    assert await write(told) == before


async def test_rows_that_are_missing_are_added_to_an_anima_that_is_there(
    told: Core, tmp_path: Path, clock: FakeClock
):
    earlier = await write(told)
    async with another(tmp_path, clock=clock) as other:
        await take(other, earlier)
        clock.move(MINUTE)
        await tell(told, "Something later.")
        later = await write(told)
        report = await take(other, later)
        assert dict(report.added) == {"event": 1}
        assert await write(other) == later
        check_counters(tmp_path / "other.sqlite3")


async def test_an_earlier_archive_into_a_later_state_leaves_what_is_there(told: Core):
    earlier = await write(told)
    await tell(told, "Something later.")
    later = await write(told)
    assert (await take(told, earlier)).added.total() == 0
    assert await write(told) == later


async def test_a_dry_run_says_what_would_come_of_it_and_keeps_nothing(told: Core, tmp_path: Path):
    async with another(tmp_path) as other:
        report = await take(other, await write(told), dry_run=True)
        assert (report.dry_run, report.added["event"]) == (True, 3)
        assert look(tmp_path / "other.sqlite3", "SELECT count(*) FROM animas") == [(0,)]


async def test_another_anima_of_the_name_is_named(told: Core, tmp_path: Path):
    async with another(tmp_path) as other:
        await tell(other, "Hello.")
        with pytest.raises(ConflictError, match="another anima called default"):
            await take(other, await write(told))


async def test_another_row_under_a_handle_is_named(told: Core, tmp_path: Path, clock: FakeClock):
    text = await write(told)
    async with another(tmp_path, clock=clock) as other:
        await take(other, text)
        await tell(other, "One way.")
        before = await write(other)
        await tell(told, "Another way.")
        with pytest.raises(ConflictError, match=r"Line \d+ of the archive: e4 is not the same"):
            await take(other, await write(told))
        assert await write(other) == before


async def test_an_id_that_another_anima_has_is_a_clash(told: Core, tmp_path: Path):
    text = await write(told)
    async with another(tmp_path) as other:
        await take(other, text)
        rows = lines(text)[:-1]
        copy = [row for row in rows if row["kind"] in ("archive", "anima", "event")][:3]
        copy[1] |= {"id": "f" * 32, "name": "another"}
        with pytest.raises(ConflictError, match=f"e1 is {BEFORE}"):
            await take(other, sealed(copy))


async def test_what_was_forgotten_since_does_not_come_back(told: Core):
    text = await write(told)
    await forgetting.forget(told, LOCAL_USER, ForgetRequest(handles=("e2",)), confirmed=True)
    with pytest.raises(ConflictError, match="e2 was forgotten here"):
        await take(told, text)
    assert b"Bo keeps bees" not in await write(told)


async def test_another_users_anima_is_refused(told: Core, tmp_path: Path):
    text = await write(told)
    tamper(tmp_path / FILE, "INSERT INTO users VALUES (2, randomblob(16), 'bo', 0)")
    tamper(tmp_path / FILE, "UPDATE animas SET user_no = 2 WHERE name = 'default'")
    with pytest.raises(ConflictError, match="default is another user's"):
        await take(told, text)


async def test_a_grant_to_an_anima_that_is_not_in_the_archive_is_left_out(told: Core):
    text = await write(told, only=[1])
    assert [row["kind"] for row in lines(text)].count("anima") == 1
    assert all(row["kind"] != "grant" for row in lines(text))


async def test_an_archive_of_nothing_is_one(tmp_path: Path):
    async with another(tmp_path) as other:
        text = await write(other)
        assert len(lines(text)) == 2
        assert (await take(other, text)).animas == []


def broken(text: bytes) -> Iterator[tuple[str, bytes, str]]:
    rows = text.splitlines(keepends=True)
    event = next(n for n, row in enumerate(rows) if b'"kind":"event"' in row)
    place = rf"Line {event + 1} of the archive "

    def put(row: bytes) -> bytes:
        return b"".join([*rows[:event], row, *rows[event + 1 :]])

    yield "no JSON", put(b"{nonsense\n"), place + "is not JSON"
    yield "cut in the middle", b"".join(rows[:event]) + rows[event][:40], place + "is not JSON"
    yield "not UTF-8", put(b'{"kind": "\xff"}\n'), place + "is not JSON"
    yield "a blank line", put(b"\n"), place + "is not JSON"
    yield "too deep", put(b"[" * 100_000 + b"\n"), place + "is not JSON"
    yield "NaN", put(rows[event].replace(b'"tokens":', b'"tokens":NaN,"x":')), place + "is not JSON"
    yield "an unknown kind", put(b'{"kind": "elephant"}\n'), place + "is of no kind"
    yield "no object", put(b"[1]\n"), place + "is"
    yield "a field less", put(rows[event].replace(b'"state"', b'"estate"')), "`.*state` is"
    yield "a string as number", put(rows[event].replace(b'"no":1', b'"no":"1"')), "`no` is wrong"
    yield "a number of another anima", put(rows[event].replace(b'"no":1', b'"no":4294967297')), "no"
    yield "a truth as number", put(rows[event].replace(b'"tokens":', b'"tokens":true,"x":')), "tok"
    yield "another state", put(rows[event].replace(b"provisional", b"eaten")), "state"
    yield "a lone surrogate", put(rows[event].replace(b'"Nadia"', b'"\\ud800"')), "cannot be stored"
    yield "a hole", b"".join(rows[:event] + rows[event + 1 :]), "another sum"
    yield "a word changed", text.replace(b"bees", b"fees"), "another sum"
    yield "cut between lines", b"".join(rows[:-1]), "was cut off"
    yield "something behind", text + rows[event], "stands behind the end"
    yield "twice", b"".join([*rows[: event + 1], *rows[event:]]), "out of order, or there twice"
    yield "no anima", b"".join([rows[0], *rows[2:]]), "belongs to no anima"
    yield "empty", b"", "is no archive"
    yield "another file", b"Dear diary,\n", "is no archive"
    yield "events alone", b'{"content": "Hello."}\n', "is no archive"


async def test_what_is_malformed_is_named_and_nothing_is_imported(told: Core, tmp_path: Path):
    text = await write(told)
    async with another(tmp_path) as other:
        for what, bad, why in broken(text):
            with pytest.raises(ValidationError, match=why) as caught:
                await take(other, bad)
            assert "nothing was imported" in str(caught.value), what
            assert look(tmp_path / "other.sqlite3", "SELECT count(*) FROM animas") == [(0,)]
        await take(other, text)


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        ("archive", {"version": 2}, "version 2 of the format"),
        ("archive", {"version": None}, "no version of the format"),
        (
            "archive",
            {"schema": 999, "made_by": "elephantasm-mcp 9.9"},
            "elephantasm-mcp 9.9, which",
        ),
        ("archive", {"format": "other"}, "is no archive"),
        ("anima", {"settings": {"threshold": -1}}, "settings|threshold"),
        ("anima", {"event_seq": 1}, "a number that its anima never gave out"),
        ("event", {"importance": 2.0}, "`importance` is wrong"),
        ("action", {"after": {"version": 1}}, "nothing was imported"),
        ("action", {"position": 99}, "a place that its anima's journal never had"),
        ("action", {"no": 7}, "a number that its anima never gave out"),
        ("forgotten", {"no": 7}, "a number that its anima never gave out"),
        ("anima", {"event_seq": 2**31}, "`event_seq` is wrong"),
        ("anima", {"action_seq": 2**63 - 1}, "`action_seq` is wrong"),
        ("anima", {"name": "../../evil\x1b[31m\n# x"}, "a name that none can have"),
        ("event", {"content": ""}, "`content` is wrong"),
        ("event", {"content": "Nadia is fine."}, "not those that were stored: e1 of"),
        ("event", {"content_hash": "0" * 32}, "not those that were stored: e1 of"),
        ("memory", {"meta": "not json"}, "`row.meta` is wrong"),
        ("memory", {"summary": "Other."}, r"Rows are not as the journal left them: m1 of"),
        ("memory", {"links": [["event", 2, None]]}, "Rows are not as the journal left them"),
    ],
)
async def test_lines_that_break_a_rule_are_refused(
    told: Core, tmp_path: Path, kind: str, values: dict, why: str
):
    text = changed(await write(told), kind, **values)
    async with another(tmp_path) as other:
        with pytest.raises(ValidationError, match=why):
            await take(other, text)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"links": [["event", 3, None]]}, "Rows name events that are not there: m1 of"),
        ({"superseded_by": 3}, "Rows were replaced by none that is there: m1 of"),
        ({"superseded_by": 1}, "Rows were replaced by none that is there: m1 of"),
    ],
)
async def test_rows_that_do_not_agree_are_refused(
    told: Core, tmp_path: Path, values: dict, why: str
):
    text = rewritten(await write(told), "memory", **values)
    async with another(tmp_path) as other:
        with pytest.raises(ValidationError, match=why):
            await take(other, text)
        assert look(tmp_path / "other.sqlite3", "SELECT count(*) FROM animas") == [(0,)]


async def test_a_counter_far_behind_the_last_row_costs_nothing(told: Core, tmp_path: Path):
    seqs = ("event", "memory", "knowledge", "dream", "action", "identity", "conflict")
    text = changed(await write(told), "anima", **{f"{seq}_seq": 2**31 - 1 for seq in seqs})
    async with another(tmp_path) as other:
        await take(other, text)
        assert lines(await write(other))[2:-1] == lines(text)[2:-1]
        (recorded,) = await tell(other, "More.")
        assert recorded.event.handle == f"e{2**31}"
        found = await animas.find(other, LOCAL_USER, "default")
        assert await soundness.examine(other, found) == []


@pytest.mark.parametrize("phase", ["light", "deep", "synthesis"])
async def test_a_plan_that_no_dry_run_makes_is_refused(told: Core, tmp_path: Path, phase: str):
    await plans.dry_run(told, LOCAL_USER, anima=None)
    text = await write(told)
    async with another(tmp_path) as other:
        with pytest.raises(ValidationError, match=r"is no .* of an archive: "):
            await take(other, changed(text, "plan", phase=phase, operations=[{}]))
        await take(other, text)
        assert await write(other) == text


async def test_statements_of_an_identity_that_are_no_json_are_refused(core: Core, tmp_path: Path):
    async with another(tmp_path) as other:
        row = {"uuid": "1" * 32, "version": 1, "statements": "not json"}
        row |= dict.fromkeys(("personality_type", "communication_style", "self_reflection"))
        row |= {"prose": "I.", "synthesizer": "", "created_at": 0, "updated_at": 0, "links": []}
        await tell(core, "Hello.")
        rows = lines(await write(core))[:-1]
        rows.append({"kind": "identity", "no": 1, "row": row})
        rows[1]["identity_seq"] = 1
        with pytest.raises(ValidationError, match=r"`row\.statements` is wrong"):
            await take(other, sealed(rows))
