"""Dreams and a person's hand over REST."""

from http import HTTPStatus

import pytest
from httpx2 import AsyncClient

from elephantasm_mcp.types import CurateReport, DreamReport, ForgetReport, UndoReport

ANIMA = "/api/animas/default"
NOBODYS = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def dreamt(rest: AsyncClient) -> AsyncClient:
    await rest.post(
        "/api/events", json={"content": "I am allergic to hazelnuts.", "author": "Nadia"}
    )
    await rest.post(f"{ANIMA}/dreams")
    return rest


async def test_a_dream_is_run_listed_shown_and_undone(dreamt: AsyncClient) -> None:
    (listed,) = (await dreamt.get(f"{ANIMA}/dreams")).json()
    shown = DreamReport.model_validate((await dreamt.get(f"{ANIMA}/dreams/d1")).json())
    assert DreamReport.model_validate(listed) == shown
    undone = await dreamt.post(f"{ANIMA}/dreams/{shown.id}/undo")
    assert UndoReport.model_validate(undone.json()).dream == "d1"
    again = await dreamt.post(f"{ANIMA}/dreams/d1/undo")
    assert again.status_code == HTTPStatus.CONFLICT
    assert (await dreamt.get(f"{ANIMA}/dreams/d77")).status_code == HTTPStatus.NOT_FOUND


async def test_a_work_order_is_completed(rest: AsyncClient) -> None:
    said = "Nadia is allergic to hazelnuts."
    await rest.post("/api/events", json={"content": said})
    report = DreamReport.model_validate((await rest.post(f"{ANIMA}/dreams", json={})).json())
    assert report.work_order is not None
    source = {"event": report.work_order.events[0].handle, "quote": said}
    memory = {
        "summary": "Nadia may not eat hazelnuts.",
        "content": said,
        "importance": 0.9,
        "confidence": 0.9,
        "sources": [source],
        "knowledge": [],
    }
    done = await rest.post(
        f"{ANIMA}/dreams/complete",
        json={"work_order": str(report.work_order.id), "proposals": {"memories": [memory]}},
    )
    completed = DreamReport.model_validate(done.json())
    assert [one.index for one in completed.accepted] == [0]
    assert completed.synthesizer == "host:rest"


async def test_a_dry_run_makes_a_plan_of_which_numbers_are_accepted(dreamt: AsyncClient) -> None:
    planned = await dreamt.post(f"{ANIMA}/dreams", json={"phase": "deep", "dry_run": True})
    report = DreamReport.model_validate(planned.json())
    assert report.plan is not None
    body = {"plan": str(report.plan.id), "accept": [step.number for step in report.plan.steps]}
    done = await dreamt.post(f"{ANIMA}/dreams/complete", json=body)
    assert done.status_code in (HTTPStatus.OK, HTTPStatus.CONFLICT)
    half = await dreamt.post(f"{ANIMA}/dreams/complete", json={"plan": body["plan"]})
    assert half.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    both = body | {"proposals": {"memories": [{}]}}
    refused = await dreamt.post(f"{ANIMA}/dreams/complete", json=both)
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "not both" in refused.json()["detail"]
    unknown = await dreamt.post(f"{ANIMA}/dreams/complete", json={"plan": NOBODYS, "accept": [1]})
    assert unknown.status_code == HTTPStatus.NOT_FOUND


async def test_a_row_is_corrected_and_the_answer_has_it_before_and_after(
    dreamt: AsyncClient,
) -> None:
    body = {"id": "k1", "action": "correct", "content": "Nadia is allergic to walnuts."}
    answer = await dreamt.post(f"{ANIMA}/curate", json=body)
    (action,) = CurateReport.model_validate(answer.json()).actions
    assert action.before is not None
    assert action.after is not None
    assert "hazelnuts" in action.before["content"]
    assert "walnuts" in action.after["content"]


async def test_nothing_is_erased_without_the_token_or_a_plain_order(dreamt: AsyncClient) -> None:
    shown = await dreamt.post(f"{ANIMA}/forget", json={"ids": ["e1"]})
    report = ForgetReport.model_validate(shown.json())
    assert (report.events, report.memories, report.erased_at) == (["e1"], ["m1"], None)
    assert len((await dreamt.get("/api/events")).json()) == 1
    done = await dreamt.post(f"{ANIMA}/forget", json={"ids": ["e1"], "confirm": report.confirm})
    assert ForgetReport.model_validate(done.json()).erased_at is not None
    assert (await dreamt.get("/api/events")).json() == []


async def test_a_plain_order_needs_no_token(dreamt: AsyncClient) -> None:
    body = {"everything": True, "dry_run": False}
    done = await dreamt.post(f"{ANIMA}/forget", json=body)
    assert ForgetReport.model_validate(done.json()).events == ["e1"]


@pytest.mark.parametrize("body", [{}, {"ids": ["e1"], "everything": True}])
async def test_what_to_forget_is_named_in_one_way(
    dreamt: AsyncClient, body: dict[str, object]
) -> None:
    refused = await dreamt.post(f"{ANIMA}/forget", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
