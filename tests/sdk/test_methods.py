"""What the methods of the Python surface do: in a database of this process, and on a server."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.sdk import Elephantasm
from elephantasm_mcp.types import EventCreate, EventState, EventType, MemoryState, PackChanges

Opened = Callable[..., Elephantasm]
TALK = (
    "I am allergic to hazelnuts, so please never suggest praline.",
    "We decided to move billing from MongoDB to PostgreSQL because payments need transactions.",
    "Bogdan must sign off the cut-over plan before Thursday.",
)


def talk(client: Elephantasm, **fields: Any) -> None:
    """Record a short conversation."""
    for line in TALK:
        client.extract(EventType.MESSAGE_IN, line, author="Nadia", session_id="s1", **fields)


# What the methods do


def test_an_event_keeps_what_was_said_of_it(memory: Elephantasm) -> None:
    event = memory.extract(
        "message.in",
        "Hello!",
        session_id="s1",
        role="user",
        author="Nadia",
        occurred_at=datetime(2026, 3, 2, 10, 30, tzinfo=UTC),
        summary="A greeting",
        meta={"channel": "email"},
        source_uri="https://example.org/a",
        importance_score=0.25,
        dedupe_key="message-7",
    )
    assert (event.content, event.event_type, event.session_id) == ("Hello!", "message.in", "s1")
    assert (event.role, event.author, event.summary) == ("user", "Nadia", "A greeting")
    assert (event.meta, event.source_uri) == ({"channel": "email"}, "https://example.org/a")
    assert (event.importance_score, event.dedupe_key) == (0.25, "message-7")
    assert memory.events() == [event]


def test_a_repeated_event_yields_the_earlier_one(memory: Elephantasm) -> None:
    first = memory.extract(EventType.MESSAGE_IN, "Hello!")
    assert memory.extract(EventType.MESSAGE_IN, "Hello!").id == first.id


def test_ingest_is_extract_by_another_name(memory: Elephantasm) -> None:
    event = memory.ingest(content="Hello!", event_type="message.out", session_id="s1")
    assert (event.content, event.event_type, event.session_id) == ("Hello!", "message.out", "s1")


def test_many_events_are_answered_in_input_order(memory: Elephantasm) -> None:
    earlier = memory.extract("message.in", "two")
    found = memory.extract_many([EventCreate(content=text) for text in ("one", "two", "one")])
    assert [event.content for event in found] == ["one", "two", "one"]
    assert found[1].id == earlier.id
    assert found[2].id == found[0].id
    assert memory.extract_many([]) == []


def test_a_naive_time_is_utc(memory: Elephantasm) -> None:
    event = memory.extract("message.in", "Hello!", occurred_at="2026-03-02T10:30:00")
    assert event.occurred_at == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    later = datetime(2026, 3, 3)  # noqa: DTZ001 - naive on purpose
    assert memory.events(until=later) == [event]
    assert memory.events(since=later) == []


def test_broken_unicode_is_mended_and_stored(memory: Elephantasm) -> None:
    assert memory.extract("message.in", "a\udc80b").content == "a\ufffdb"
    with pytest.raises(NotFoundError):
        memory.events("a\udc80b")


def test_an_anima_is_made_once_and_named_by_id_or_name(memory: Elephantasm) -> None:
    made = memory.create_anima("Researcher", description="Finds", meta={"role": "research"})
    assert memory.create_anima("Researcher", description="other") == made
    by_id = memory.extract("message.in", "one", anima_id=made.id)
    by_text = memory.extract("message.in", "two", anima_id=str(made.id))
    by_name = memory.extract("message.in", "three", anima_id="Researcher")
    assert memory.events("Researcher") == [by_id, by_text, by_name]
    assert memory.events() == []


def test_animas_are_listed_with_what_they_hold(memory: Elephantasm) -> None:
    memory.create_anima("A")
    memory.extract("message.in", "Hello!", anima_id="A")
    (first, *rest) = memory.animas()
    assert (first.name, first.events, first.default, rest) == ("A", 1, False, [])


def test_the_default_anima_is_the_clients(opened: Opened) -> None:
    with opened(anima_id="mine") as memory:
        memory.extract("message.in", "Hello!")
        assert [(one.name, one.default) for one in memory.animas()] == [("mine", True)]


def test_an_anima_can_be_renamed_and_described(memory: Elephantasm) -> None:
    made = memory.create_anima("A", description="old", meta={"a": 1})
    changed = memory.update_anima("A", name="B")
    assert (changed.id, changed.name) == (made.id, "B")
    assert (changed.description, changed.meta) == ("old", {"a": 1})
    changed = memory.update_anima(made.id, description="new", meta={"b": 2})
    assert (changed.name, changed.description, changed.meta) == ("B", "new", {"b": 2})
    assert memory.create_anima("B") == changed


def test_an_anima_cannot_take_anothers_name(memory: Elephantasm) -> None:
    memory.create_anima("A")
    other = memory.create_anima("B", description="old")
    with pytest.raises(ConflictError, match="already is an anima 'A'"):
        memory.update_anima("B", name="A", description="new")
    assert memory.create_anima("B") == other


def test_an_anima_without_events_has_no_pack(memory: Elephantasm) -> None:
    assert memory.inject() is None
    assert memory.inject(query="anything") is None


def test_a_pack_tells_what_was_said(memory: Elephantasm) -> None:
    talk(memory)
    pack = memory.inject(query="Which nuts are dangerous?", session_id="s1", max_tokens=500)
    assert pack is not None
    assert "hazelnuts" in pack.as_prompt()
    assert (pack.max_tokens, pack.preset_name) == (500, "conversational")


def test_a_search_is_limited_by_what_is_asked(memory: Elephantasm) -> None:
    talk(memory)
    assert len(memory.search("billing plan", limit=2)) == 2
    assert memory.search("billing", layers=["knowledge"]) == []
    assert memory.search("billing", session_id="another") == []
    assert memory.search("billing", since=datetime.now(UTC) + timedelta(days=1)) == []  # noqa: TID251


def test_a_search_without_a_word_finds_nothing_and_says_why(memory: Elephantasm) -> None:
    talk(memory)
    for query in ("", " ", "?!", "→"):
        hits = memory.search(query)
        assert (list(hits), hits.mode) == ([], "no query")
        pack = memory.inject(query=query)
        assert pack is not None
        assert pack.content["mode"] == "no query"


def test_a_pack_says_what_changed_since_the_last_one(memory: Elephantasm, opened: Opened) -> None:
    assert memory.inject() is None
    talk(memory)
    handles = [[line.handle for line in _changes(memory).added] for _ in range(2)]
    assert handles == [["e1", "e2", "e3"], []]
    memory.close()
    with opened() as another:
        assert _changes(another).added == []


def _changes(memory: Elephantasm) -> PackChanges:
    pack = memory.inject()
    assert pack is not None
    assert pack.layers.changes is not None
    return pack.layers.changes


def test_a_pack_of_the_past_knows_what_was_known_then(memory: Elephantasm) -> None:
    talk(memory)
    moment = memory.events()[-1].created_at
    memory.dream()
    for as_of in (moment, moment.isoformat()):
        pack = memory.inject(as_of=as_of)
        assert pack is not None
        assert pack.knowledge == []
        assert [line.handle for line in pack.session_memories] == ["e1", "e2", "e3"]
    assert memory.inject(query="billing", as_of=moment - timedelta(days=1)) is None


def test_a_work_order_is_completed(memory: Elephantasm) -> None:
    memory.extract(EventType.MESSAGE_IN, "I am allergic to hazelnuts.", author="Nadia")
    order = memory.dream().work_order
    assert order is not None
    sources = [{"event": order.events[0].handle, "quote": "allergic to hazelnuts"}]
    proposal = {
        "summary": "Nadia is allergic to hazelnuts.",
        "content": "She said so.",
        "importance": 0.9,
        "confidence": 0.9,
        "sources": sources,
    }
    report = memory.complete_dream(order.id, proposals={"memories": [proposal, {}]})
    assert [one.index for one in report.accepted] == [0]
    assert [one.index for one in report.rejected] == [1]
    assert [one.summary for one in memory.memories(state=MemoryState.ACTIVE)] == [
        "Nadia is allergic to hazelnuts."
    ]
    with pytest.raises(ConflictError, match="already completed"):
        memory.complete_dream(order.id, proposals={"memories": []})
    with pytest.raises(ValidationError, match="proposals"):
        memory.complete_dream(order.id)
    with pytest.raises(ValidationError, match="not both"):
        memory.complete_dream(order.id, accept=[1], proposals={"memories": []})


def test_a_dream_makes_memories_and_an_undo_takes_them_back(memory: Elephantasm) -> None:
    talk(memory)
    report = memory.dream()
    made = memory.memories()
    assert made
    assert report.actions
    assert memory.memories(state=MemoryState.ACTIVE) == made
    assert memory.memories(state="archived") == []
    assert memory.knowledge() == memory.knowledge(include_superseded=True)
    assert memory.trace(made[0].id).handle == memory.trace(made[0].handle).handle
    undone = memory.undo_dream(report.id)
    assert undone.dream == report.handle
    assert memory.memories() == []
    assert {event.state for event in memory.events()} == {EventState.HELD}


def test_listings_come_in_their_order_and_stop_at_their_limit(memory: Elephantasm) -> None:
    talk(memory)
    first, second = memory.dream(), memory.dream(phase="light")
    assert [event.content for event in memory.events()] == list(TALK)
    assert [event.content for event in memory.events(limit=2)] == list(TALK[:2])
    assert [dream.handle for dream in memory.dreams()] == [second.handle, first.handle]
    assert [dream.handle for dream in memory.dreams(limit=1)] == [second.handle]
    assert memory.memories(limit=1) == memory.memories()[:1]
    assert memory.knowledge(limit=1) == memory.knowledge()[:1]


def test_nothing_is_known_of_the_identity_yet(memory: Elephantasm) -> None:
    assert memory.identity() is None
    with pytest.raises(NotFoundError):
        memory.identity("nobody")


# What is refused

Call = Callable[[Elephantasm], object]
NEW = EventCreate(content="x")
BAD: list[tuple[str, str, Call]] = [
    ("event_type", "`message.in`", lambda m: m.extract("message", "Hello!")),
    ("content", "missing", lambda m: m.extract("message.in", None)),
    ("importance_score", "0 to 1", lambda m: m.extract("message.in", "x", importance_score=2)),
    ("importance_score", "0 to 1", lambda m: m.extract("message.in", "x", importance_score=True)),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at="soon")),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at=1_772_447_400)),
    ("occurred_at", "ISO 8601", lambda m: m.extract("message.in", "x", occurred_at="1772447400")),
    ("meta", "JSON", lambda m: m.extract("message.in", "x", meta={"a": object()})),
    ("meta", "JSON", lambda m: m.extract("message.in", "x", meta={"\udc80": "a"})),
    ("meta", "JSON", lambda m: m.extract_many([EventCreate(content="x", meta={"a": object()})])),
    ("events[1].role", "64", lambda m: m.extract_many([NEW, {"content": "x", "role": "r" * 65}])),
    ("anima_id", "id or a name", lambda m: m.inject(3)),
    ("preset", "`conversational`", lambda m: m.inject(preset="chatty")),
    ("max_tokens", "1", lambda m: m.inject(max_tokens=0)),
    ("as_of", "ISO 8601", lambda m: m.inject(as_of="yesterday")),
    ("as_of", "ISO 8601", lambda m: m.inject(as_of="2026")),
    ("as_of", "at most now", lambda m: m.inject(as_of="2199-01-01")),
    ("layers[0]", "`memory`", lambda m: m.search("x", layers=["dream"])),
    ("limit", "200", lambda m: m.search("x", limit=201)),
    ("limit", "whole number", lambda m: m.events(limit=0)),
    ("since", "ISO 8601", lambda m: m.events(since="yesterday")),
    ("until", "ISO 8601", lambda m: m.search("x", until=2026)),
    ("state", "`decaying`", lambda m: m.memories(state="gone")),
    ("phase", "`synthesis`", lambda m: m.dream(phase="REM")),
    ("name", "255", lambda m: m.create_anima("n" * 256)),
    ("name", "blank", lambda m: m.create_anima(" ")),
    ("id", "missing", lambda m: m.update_anima(None)),
    ("threshold", "0.01 to 100000", lambda m: m.create_anima("A", settings={"threshold": -1})),
    ("treshold", "`threshold`", lambda m: m.create_anima("A", settings={"treshold": 5})),
    (
        "event_types[0]",
        "`message.in`",
        lambda m: m.create_anima("A", settings={"event_types": ["x"]}),
    ),
    (
        "never_store",
        "3 characters",
        lambda m: m.create_anima("A", settings={"never_store": ["*a*"]}),
    ),
    ("handles", "one way", lambda m: m.forget()),
    ("action", "`correct`", lambda m: m.curate("m1", "improve")),
    ("handle", "m12", lambda m: m.trace("nonsense")),
    ("dream", "d3", lambda m: m.undo_dream("m1")),
]


@pytest.mark.parametrize(("field", "says", "call"), BAD)
def test_a_bad_value_is_named_with_its_rule(
    memory: Elephantasm, field: str, says: str, call: Call
) -> None:
    with pytest.raises(ValidationError) as caught:
        call(memory)
    assert says in caught.value.explain()
    assert caught.value.field == field
    assert "pydantic" not in caught.value.explain()


def test_what_does_not_exist_is_not_found(memory: Elephantasm) -> None:
    with pytest.raises(NotFoundError, match="'nobody'"):
        memory.extract("message.in", "Hello!", anima_id="nobody")
    with pytest.raises(NotFoundError):
        memory.trace(UUID(int=7))
    with pytest.raises(NotFoundError):
        memory.undo_dream(UUID(int=7))


# What is done for people


def test_a_row_is_put_right_and_the_correction_taken_back(memory: Elephantasm) -> None:
    talk(memory)
    memory.dream()
    known = memory.knowledge()[0]
    report = memory.curate(known.handle, "correct", content="Nadia is allergic to walnuts.")
    assert memory.knowledge()[0].content == "Nadia is allergic to walnuts."
    with pytest.raises(ConflictError):
        memory.curate(known.id, "correct", content="Nadia is allergic to walnuts.")
    memory.undo_dream(report.id)
    assert memory.knowledge()[0].content == known.content


def test_what_is_forgotten_is_gone(memory: Elephantasm) -> None:
    talk(memory)
    assert memory.forget(session_id="s1").erased_at is None
    assert len(memory.events()) == len(TALK)
    receipt = memory.forget(ids=["e1"], dry_run=False)
    assert (receipt.events, receipt.erased_at is None) == (["e1"], False)
    assert [event.handle for event in memory.events()] == ["e2", "e3"]
    memory.forget(everything=True, dry_run=False)
    assert memory.events() == []


def test_what_is_never_to_be_stored_is_masked_afterwards(memory: Elephantasm) -> None:
    memory.create_anima("A")
    memory.extract("message.in", "We call it ACME-1234.", anima_id="A")
    memory.update_anima("A", settings={"never_store": ["ACME-####"]})
    assert memory.redact(anima_id="A").redacted_at is None
    assert "ACME-1234" in memory.events("A")[0].content
    assert memory.redact(anima_id="A", dry_run=False).events == ["e1"]
    assert "ACME-1234" not in memory.events("A")[0].content


def test_what_no_pack_shows_is_named(memory: Elephantasm) -> None:
    talk(memory)
    memory.inject()
    assert (memory.usefulness().packs_read, memory.usefulness(days=7).days) == (1, 7)


def test_a_dry_run_changes_nothing(memory: Elephantasm) -> None:
    talk(memory)
    memory.dream()
    planned = memory.dream(phase="deep", dry_run=True)
    assert planned.state == "planned"
    assert planned.plan is not None
    report = memory.complete_dream(planned.plan.id, accept=[])
    assert report.accepted == []


def test_a_deleted_anima_is_gone(memory: Elephantasm) -> None:
    made = memory.create_anima("A")
    memory.extract("message.in", "Hello!", anima_id="A")
    memory.delete_anima(made.id)
    with pytest.raises(NotFoundError):
        memory.events("A")
    assert memory.animas() == []


NAMES = ["a/b", "..", "100 %", "日本 ☕", "?x=1#y", "A+B", " padded"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_works_everywhere(memory: Elephantasm, name: str) -> None:
    made = memory.create_anima(name)
    event = memory.extract("message.in", 'Grüße, 世界 ☕\n\t"quoted"', anima_id=made.name)
    assert memory.events(made.name) == [event]
    assert event.content == 'Grüße, 世界 ☕\n\t"quoted"'
    assert memory.search("Grüße & ?=#/", anima_id=made.name)[0].id == event.id
    assert memory.trace("e1", anima_id=made.name).id == event.id
    assert memory.memories(made.name) == []
    assert memory.update_anima(made.name, description="changed").id == made.id
    memory.delete_anima(made.name)
    assert memory.animas() == []


def test_what_cannot_be_a_row_is_refused(memory: Elephantasm) -> None:
    for strange in ("", " ", ".", "..", "a/b", "e1/../e2", "e0", "m12 OR 1", "\udc80"):
        with pytest.raises(ValidationError):
            memory.trace(strange)
        with pytest.raises(ValidationError):
            memory.undo_dream(strange)


def test_what_is_no_unicode_is_an_error_of_ours(memory: Elephantasm) -> None:
    for call in (lambda: memory.forget(ids=["\udc80"]), lambda: memory.undo_dream("d\udc80")):
        with pytest.raises(ValidationError):
            call()
    with pytest.raises((NotFoundError, ValidationError)):
        memory.complete_dream("\udc80", accept=[1])


def test_long_lists_come_whole(memory: Elephantasm) -> None:
    for part in range(3):
        memory.extract_many([EventCreate(content=f"{part} {n}") for n in range(400)])
    found = memory.events()
    assert len({event.id for event in found}) == len(found) == 1_200
    assert [event.handle for event in memory.events(limit=1_001)] == [
        event.handle for event in found[:1_001]
    ]


def test_threads_share_a_client(memory: Elephantasm) -> None:
    def extract(number: int) -> str:
        return memory.extract("message.in", f"Line {number}").content

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(extract, range(40)))
    assert said == [f"Line {number}" for number in range(40)]
    assert len(memory.events()) == 40
