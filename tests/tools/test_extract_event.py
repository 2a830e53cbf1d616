"""`extract_event` through a client."""

import pytest

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import events
from speaking import answer, connected, refusal, text_of


async def test_one_event_is_stored_and_answered_with_its_handle(app: App) -> None:
    async with connected(app) as client:
        said = await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
    (line,) = said["events"]
    assert set(line) == {"handle", "id", "duplicate", "redactions"}
    assert (line["handle"], line["duplicate"], line["redactions"]) == ("e1", False, 0)
    assert set(said["accumulation"]) == {"score", "threshold"}


async def test_both_sides_of_an_exchange_go_in_one_call(app: App) -> None:
    exchange = [
        {"content": "Which database?", "author": "Nadia"},
        {"content": "PostgreSQL.", "event_type": "message.out", "session_id": "other"},
    ]
    async with connected(app) as client:
        said = await answer(client, "extract_event", events=exchange, session_id="chat-1")
    assert [line["handle"] for line in said["events"]] == ["e1", "e2"]
    stored = await events.list_events(app.core, app.user, None)
    assert [(event.event_type, event.session_id) for event in stored] == [
        ("message.in", "chat-1"),
        ("message.out", "other"),
    ]


@pytest.mark.parametrize("content", ['{"rows": [1, 2]}', "[]", "null", "42", '"quoted"'])
async def test_content_that_looks_like_json_stays_text(app: App, content: str) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content=content, event_type="tool.result")
    (stored,) = await events.list_events(app.core, app.user, None)
    assert stored.content == content


async def test_a_repeated_event_is_a_duplicate(app: App) -> None:
    async with connected(app) as client:
        first = await answer(client, "extract_event", content="Hello.", dedupe_key="m-1")
        again = await answer(client, "extract_event", content="Hello!", dedupe_key="m-1")
    assert again["events"][0]["id"] == first["events"][0]["id"]
    assert again["events"][0]["duplicate"] is True


async def test_a_secret_is_masked_and_counted(app: App) -> None:
    async with connected(app) as client:
        said = await answer(
            client, "extract_event", content="The key is sk_live_4eC39HqLyjWDarjtT1zdp7dc."
        )
    assert said["events"][0]["redactions"] == 1


async def test_a_zero_importance_is_kept(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="By the way.", importance_score=0)
    (stored,) = await events.list_events(app.core, app.user, None)
    assert stored.importance_score == 0.0


@pytest.mark.parametrize("arguments", [{}, {"content": "a", "events": [{"content": "b"}]}])
async def test_content_or_events_but_not_both(app: App, arguments: dict[str, object]) -> None:
    async with connected(app) as client:
        said = await refusal(client, "extract_event", **arguments)
    assert said.startswith("Give either `content` for one event or `events` for several.")


async def test_one_key_cannot_name_several_events(app: App) -> None:
    async with connected(app) as client:
        said = await refusal(
            client, "extract_event", events=[{"content": "a"}, {"content": "b"}], dedupe_key="k"
        )
    assert said.startswith("`dedupe_key` names one event")


@pytest.mark.parametrize(
    ("events_", "said"),
    [
        ([], "`events` of `extract_event` must be a list of 1 to 50 items."),
        ([{"content": "x"}] * 51, "`events` of `extract_event` must be a list of 1 to 50 items."),
        ([{"role": "user"}], "`events[0].content` of `extract_event` is missing;"),
        (
            [{"content": "a"}, {"content": "b", "event_type": "mail"}],
            "`events[1].event_type` of `extract_event` must be one of `message.in`, ",
        ),
        (
            [{"content": "a", "sesion_id": "s"}],
            "Unknown argument `sesion_id` of `events[0]`. Did you mean `session_id`?",
        ),
    ],
)
async def test_a_bad_event_among_several_is_named_by_its_place(
    app: App, events_: list[dict[str, object]], said: str
) -> None:
    async with connected(app) as client:
        assert (await refusal(client, "extract_event", events=events_)).startswith(said)
        assert await events.list_events(app.core, app.user, None) == []


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("importance_score", True, "a number from 0 to 1"),
        ("occurred_at", 1_772_447_400, "a date and time in ISO 8601"),
        ("occurred_at", "1772447400", "a date and time in ISO 8601"),
    ],
)
async def test_what_only_looks_like_a_number_or_a_time_is_named(
    app: App, inside: bool, field: str, value: object, rule: str
) -> None:
    event = {"content": "Hello.", field: value}
    place = f"events[0].{field}" if inside else field
    async with connected(app) as client:
        said = await refusal(client, "extract_event", **({"events": [event]} if inside else event))
        assert said.startswith(f"`{place}` of `extract_event` must be {rule}. Example: ")
        assert await events.list_events(app.core, app.user, None) == []


async def test_events_as_json_text_are_read_as_a_list(app: App) -> None:
    async with connected(app) as client:
        said = await answer(client, "extract_event", events='[{"content": "Hello."}]')
    assert len(said["events"]) == 1


async def test_the_text_is_the_data_in_compact_json(app: App) -> None:
    async with connected(app) as client:
        result = await client.call_tool("extract_event", {"content": "Hello."})
    assert text_of(result).startswith('{"events":[{"handle":"e1",')
