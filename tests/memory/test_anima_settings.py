"""The settings of an anima: what is given holds, what is wrong is named, each one is read."""

import pytest

from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import accumulation, animas, events
from elephantasm_mcp.store import animas as store
from elephantasm_mcp.types.records import (
    LOCAL_USER,
    AnimaCreate,
    AnimaSettings,
    EventType,
)
from scenes import FILE, look, tell

CHANGED = {
    "time_weight": 2.0,
    "event_weight": 3.0,
    "token_weight": 0.5,
    "threshold": 5.0,
    "dream_interval_h": 6.0,
    "recency_half_life_h": 24.0,
    "decay_half_life_d": 60.0,
    "dedupe_window_s": 10,
    "session_gap_min": 5,
    "event_types": ["message.in"],
    "never_store": ["ACME-####"],
    "preset": "self_determined",
    "max_tokens": 500,
    "timezone": "Asia/Tokyo",
    "instructions": "Write in Portuguese.",
}
WRONG = {
    "time_weight": -1,
    "event_weight": 1e9,
    "token_weight": "many",
    "threshold": 0,
    "dream_interval_h": 0,
    "recency_half_life_h": float("inf"),
    "decay_half_life_d": float("nan"),
    "dedupe_window_s": 1.5,
    "session_gap_min": 0,
    "event_types": [],
    "never_store": ["x"] * 51,
    "preset": "quiet",
    "max_tokens": 0,
    "timezone": "Nowhere/Land",
    "instructions": "x" * 4_001,
}


async def make(core, **settings):
    request = AnimaCreate(name="work", settings=settings)
    return (await animas.create(core, LOCAL_USER, request))[0]


def test_every_setting_is_tried_here():
    assert CHANGED.keys() == AnimaSettings.model_fields.keys()
    assert CHANGED.keys() == WRONG.keys()


@pytest.mark.parametrize("name", CHANGED)
async def test_a_setting_holds_once_it_is_given(core, name):
    made = await make(core, **{name: CHANGED[name]})
    assert made.settings.model_dump(mode="json")[name] == CHANGED[name]
    assert made.settings.model_copy(update={name: None}) == AnimaSettings().model_copy(
        update={name: None}
    )


@pytest.mark.parametrize("name", WRONG)
async def test_a_bad_value_is_refused_by_name_and_nothing_is_made(core, name):
    with pytest.raises(ValidationError) as caught:
        await make(core, **{name: WRONG[name]})
    assert caught.value.field.split("[")[0] == name
    assert await animas.overview(core, LOCAL_USER) == []


async def test_an_update_leaves_the_other_settings_alone(core):
    await make(core, threshold=5, event_types=["system"])
    changed = await animas.update(
        core, LOCAL_USER, "work", settings={"event_types": ["message.in", "message.out"]}
    )
    assert changed.settings.threshold == 5
    assert changed.settings.event_types == (EventType.MESSAGE_IN, EventType.MESSAGE_OUT)
    renamed = await animas.update(core, LOCAL_USER, "work", name="play")
    assert renamed.settings == changed.settings


async def test_the_threshold_and_the_weights_decide_when_memories_are_due(core, clock):
    await make(core, threshold=6, event_weight=3)
    await tell(core, "One.", anima_id="work")
    anima = await core.database.read(store.find, LOCAL_USER, "work")
    assert not accumulation.is_due(anima, now=clock.now())
    await tell(core, "Two.", anima_id="work")
    anima = await core.database.read(store.find, LOCAL_USER, "work")
    assert accumulation.is_due(anima, now=clock.now())


async def test_an_event_of_a_type_that_is_not_kept_is_acknowledged_and_not_stored(core, tmp_path):
    await make(core, event_types=["message.in"])
    (kept,) = await tell(core, "Hello.", anima_id="work")
    (other,) = await tell(core, "{}", event_type=EventType.TOOL_CALL, anima_id="work")
    assert (kept.stored, kept.event.handle, kept.event.note) == (True, "e1", None)
    assert (other.stored, other.event.handle, other.duplicate) == (False, "", False)
    assert "setting `event_types`" in other.event.note
    assert look(tmp_path / FILE, "SELECT content FROM events") == [("Hello.",)]


async def test_what_must_never_be_stored_reaches_no_column(core, tmp_path):
    await make(core, never_store=["ACME-####", "project *phoenix*"])
    (one,) = await tell(
        core,
        "Ticket acme-1234 of Project SuperPhoenix9 is due.",
        anima_id="work",
        author="ACME-7777",
        session_id="s ACME-8888",
        summary="about ACME-9999",
        source_uri="https://tickets.example/ACME-1111",
        meta={"ticket": "ACME-2222", "more": ["ACME-3333"]},
    )
    assert (
        one.event.content == "Ticket [redacted: never stored] of [redacted: never stored] is due."
    )
    assert one.redactions == 6
    (row,) = look(tmp_path / FILE, "SELECT * FROM events")
    stored = " ".join(str(value) for value in row).lower()
    assert "acme" not in stored
    assert "phoenix" not in stored


async def test_masked_keys_stay_apart(core):
    await make(core, never_store=["ACME-####"])
    first = await tell(core, "One.", anima_id="work", dedupe_key="ACME-1234")
    other = await tell(core, "Two.", anima_id="work", dedupe_key="ACME-5678")
    again = await tell(core, "One.", anima_id="work", dedupe_key="ACME-1234")
    assert [one.event.handle for (one,) in (first, other, again)] == ["e1", "e2", "e1"]
    assert "ACME" not in first[0].event.dedupe_key


async def test_patterns_of_one_anima_do_not_touch_another(core):
    await make(core, never_store=["ACME-####"])
    (one,) = await tell(core, "Ticket ACME-1234.")
    assert one.event.content == "Ticket ACME-1234."
    found = await events.list_events(core, LOCAL_USER, None)
    assert [event.content for event in found] == ["Ticket ACME-1234."]
