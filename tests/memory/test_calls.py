"""Calls: what is on record of them, the day's budget, and when nobody is asked."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from elephantasm_mcp.errors import BudgetError, ModelError
from elephantasm_mcp.memory import breaker, calls
from elephantasm_mcp.ports import Prompt
from elephantasm_mcp.store import calls as store
from elephantasm_mcp.synthesis.fakes import ScriptedModel
from elephantasm_mcp.types.records import AnimaNo
from elephantasm_mcp.types.screening import SoundProposals
from scenes import DAY, FILE, MINUTE, look

PROMPT = Prompt(instructions="Remember.", data="Tea.", max_tokens=100)
DOWN = ModelError("It is down.", permanent=False)
NO_KEY = ModelError("The key was refused.", permanent=True)
REFUSED = ModelError("It will not.", permanent=True, about_prompt=True)
FIRST, SECOND = AnimaNo(1), AnimaNo(2)


async def ask(core, *, anima=FIRST, purpose="test"):
    return await calls.ask(core, anima, PROMPT, SoundProposals, purpose=purpose)


async def fail(core, times, **options):
    """Ask so often, to no avail; returns the sentences."""
    said = []
    for _ in range(times):
        with pytest.raises(ModelError) as caught:
            await ask(core, **options)
        said.append(str(caught.value))
    return said


def on_record(tmp_path):
    return look(tmp_path / FILE, "SELECT outcome, tokens, tokens_in, tokens_out, error FROM calls")


async def test_a_call_is_on_record_with_what_it_took(core, tmp_path):
    answer = await ask(replace(core, model=ScriptedModel()))
    assert answer.value.memories == []
    assert on_record(tmp_path) == [("ok", 20, 10, 10, "")]
    (row,) = look(
        tmp_path / FILE,
        "SELECT anima_no, dream_id, purpose, model, cost_usd, duration_us FROM calls",
    )
    assert row == (1, None, "test", "scripted:model-1", 0.001, 500_000)


async def test_a_call_that_fails_is_on_record_with_its_reason(core, tmp_path):
    await fail(replace(core, model=ScriptedModel([DOWN])), 1)
    assert on_record(tmp_path) == [("failed", 0, 0, 0, "It is down.")]


async def test_without_a_model_nothing_is_asked(core, tmp_path):
    with pytest.raises(ModelError) as caught:
        await ask(core)
    assert caught.value.permanent
    assert on_record(tmp_path) == []


async def test_a_call_for_which_the_day_has_no_tokens_left_is_not_made(core, tmp_path):
    model = ScriptedModel()
    room = calls.estimate(PROMPT)
    poor = replace(core, model=model, daily_tokens=room + 20)
    await ask(poor)
    await ask(poor)
    with pytest.raises(BudgetError, match="do not suffice") as caught:
        await ask(poor)
    assert "ELEPHANTASM_DAILY_TOKENS" in caught.value.hint
    assert len(model.prompts) == 2
    assert len(on_record(tmp_path)) == 2
    core.clock.move(DAY)
    await ask(poor)


async def test_tokens_are_set_aside_while_a_call_is_under_way(core):
    """Two calls at once, of one process or of two, cannot spend the same tokens."""
    asked, go = anyio.Event(), anyio.Event()

    class Slow(ScriptedModel):
        async def answer(self, prompt, shape):
            asked.set()
            await go.wait()
            return await super().answer(prompt, shape)

    budget = calls.estimate(PROMPT) + 50
    slow = replace(core, model=Slow(), daily_tokens=budget)
    other = replace(core, model=ScriptedModel(name="other"), daily_tokens=budget)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, slow)
            await asked.wait()
            with pytest.raises(BudgetError):
                await ask(other)
            go.set()
    await ask(other)


async def test_a_cancelled_call_keeps_its_tokens_set_aside(core, tmp_path):
    class Silent(ScriptedModel):
        async def answer(self, prompt, shape):
            del prompt, shape
            scope.cancel()
            await anyio.sleep_forever()

    silent = replace(core, model=Silent())
    with anyio.CancelScope() as scope:
        await ask(silent)
    assert scope.cancelled_caught
    assert on_record(tmp_path) == [("cancelled", calls.estimate(PROMPT), 0, 0, "")]
    assert (await ask(replace(core, model=ScriptedModel(name=silent.model.name)))).value


async def test_one_task_that_fails_is_tried_three_times_in_a_window(core):
    model = ScriptedModel([DOWN])
    broken = replace(core, model=model)
    said = await fail(broken, breaker.MOST_FAILURES + 2)
    assert len(model.prompts) == breaker.MOST_FAILURES
    assert said[-1] == "It is down. It is asked again from 10:40 UTC on."
    await fail(broken, 1, purpose="another")
    assert len(model.prompts) == breaker.MOST_FAILURES + 1
    core.clock.move(breaker.WINDOW)
    await fail(broken, 1)
    assert len(model.prompts) == breaker.MOST_FAILURES + 2


async def test_after_five_failures_in_a_row_nobody_asks_until_one_call_has_tried(core):
    model = ScriptedModel([DOWN])
    broken = replace(core, model=model)
    await fail(broken, 3, anima=FIRST)
    await fail(broken, 2, anima=SECOND)
    await fail(broken, 4, purpose="another")
    assert len(model.prompts) == breaker.OPENS_AFTER
    core.clock.move(breaker.WINDOW)
    await fail(broken, 3, purpose="another")
    assert len(model.prompts) == breaker.OPENS_AFTER + 1
    core.clock.move(breaker.WINDOW)
    assert (await ask(replace(core, model=ScriptedModel()))).value.memories == []
    assert (await ask(replace(core, model=ScriptedModel()))).value.memories == []


async def test_while_one_call_tries_no_other_does(core):
    asked, go = anyio.Event(), anyio.Event()

    class Slow(ScriptedModel):
        async def answer(self, prompt, shape):
            asked.set()
            await go.wait()
            return await super().answer(prompt, shape)

    await fail(replace(core, model=ScriptedModel([NO_KEY])), 1)
    core.clock.move(breaker.WINDOW)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(ask, replace(core, model=Slow()))
            await asked.wait()
            await fail(replace(core, model=ScriptedModel()), 1)
            go.set()


async def test_a_failure_for_good_is_one_call_in_a_window(core):
    model = ScriptedModel([NO_KEY])
    await fail(replace(core, model=model), 4)
    await fail(replace(core, model=model), 4, anima=SECOND)
    assert len(model.prompts) == 1


async def test_a_refusal_is_about_one_prompt_and_shuts_nothing_at_once(core):
    model = ScriptedModel([REFUSED, {"memories": []}])
    refusing = replace(core, model=model)
    await fail(refusing, 1)
    await ask(refusing)
    assert len(model.prompts) == 2


async def test_a_success_forgives_what_failed_before(core):
    model = ScriptedModel([DOWN, DOWN, {"memories": []}, DOWN])
    flaky = replace(core, model=model)
    await fail(flaky, 2)
    await ask(flaky)
    await fail(flaky, 3)
    assert len(model.prompts) == 6


async def test_calls_are_summed_by_model(core):
    good, bad = ScriptedModel(name="a:1"), ScriptedModel([DOWN], name="b:2")
    await ask(replace(core, model=good))
    core.clock.move(timedelta(minutes=1))
    await ask(replace(core, model=good))
    await fail(replace(core, model=bad), 1)
    found = {one.model: one for one in await core.database.read(store.by_model)}
    assert (found["a:1"].sum.calls, found["a:1"].sum.failed) == (2, 0)
    assert found["a:1"].sum.cost_usd == pytest.approx(0.002)
    assert found["a:1"].last_at - core.clock.now() == 0 * MINUTE
    assert (found["b:2"].sum.calls, found["b:2"].sum.failed) == (1, 1)
    assert found["b:2"].sum.cost_usd is None
