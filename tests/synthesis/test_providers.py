"""Language models over HTTP: what they are sent, what becomes of their answers and failures."""

import anyio
import pytest
from pydantic import BaseModel

import providers
from elephantasm_mcp.errors import ModelError
from elephantasm_mcp.ports import Prompt
from elephantasm_mcp.synthesis.anthropic import AnthropicModel
from elephantasm_mcp.synthesis.openai import OpenAIModel
from elephantasm_mcp.types.screening import SoundProposals
from providers import SLOW, Fault

BOTH = pytest.mark.parametrize("provider", ["anthropic", "openai"])
PROMPT = Prompt(
    instructions="Remember.",
    data='<events>\n{"event": "e1", "author": "Ann", "text": "Tea is good."}\n</events>',
    max_tokens=900,
)


@pytest.fixture
async def server():
    async with providers.providers() as running:
        yield running


@BOTH
async def test_an_answer_has_its_value_and_what_it_took(server, provider):
    model = server.model(provider)
    answer = await model.answer(PROMPT, SoundProposals)
    (memory,) = answer.value.memories
    assert memory.summary == "Ann said: Tea is good."
    assert memory.knowledge[0].sources[0].quote == "Tea is good."
    assert model.name == f"{provider}:model-1"
    usage = answer.usage
    assert (usage.model, usage.tokens_in, usage.tokens_out) == ("model-1", 700, 300)
    assert usage.cost_usd is None
    assert usage.duration_s > 0


@BOTH
async def test_a_request_holds_the_prompt_the_schema_and_no_tools(server, provider):
    await server.model(provider).answer(PROMPT, SoundProposals)
    (body,), (headers,) = server.requests, server.headers
    assert body["model"] == "model-1"
    assert body["max_tokens"] == 900
    assert body["messages"][-1] == {"role": "user", "content": PROMPT.data}
    assert not {"tools", "tool_choice", "functions"} & set(body)
    assert headers["accept-encoding"] == "identity"
    assert headers["authorization"] == "Bearer sk-test"
    if provider == "anthropic":
        assert body["system"] == "Remember."
        schema = body["output_config"]["format"]["schema"]
    else:
        assert body["messages"][0] == {"role": "system", "content": "Remember."}
        schema = body["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["memories"]
    memory = schema["$defs"]["MemoryProposal"]
    assert set(memory["required"]) == set(memory["properties"])
    assert memory["additionalProperties"] is False
    assert schema["$defs"]["SourceQuote"]["properties"]["quote"] == {"type": "string"}


@BOTH
@pytest.mark.parametrize("fault", [one for one in providers.ALL if one not in providers.HARMLESS])
async def test_a_fault_is_an_error_of_ours_after_one_request(server, provider, fault):
    server.fail([fault])
    model = server.model(provider, deadline_s=providers.SHORT_S if fault in SLOW else None)
    with anyio.fail_after(20), pytest.raises(ModelError) as caught:
        await model.answer(PROMPT, SoundProposals)
    assert len(server.requests) == 1
    error = caught.value
    permanent = (*providers.FOR_GOOD, Fault.BAD_REQUEST, Fault.REFUSAL)
    assert error.permanent == (fault in permanent)
    about_prompt = (
        Fault.BAD_REQUEST,
        Fault.REFUSAL,
        Fault.HTML,
        Fault.EMPTY,
        Fault.NO_CONTENT,
        Fault.HUGE,
        Fault.PACKED,
        Fault.TRUNCATED,
        Fault.NOT_JSON,
    )
    assert error.about_prompt == (fault in about_prompt)
    assert error.retry_after_s == (7 if fault == Fault.RATE else None)
    if fault in (Fault.REFUSAL, Fault.TRUNCATED, Fault.NOT_JSON):
        assert (error.usage.tokens_in, error.usage.tokens_out) == (700, 300)
    assert str(error).startswith(f"{provider}:model-1 ")
    assert "sk-test" not in error.explain()


@BOTH
@pytest.mark.parametrize("fault", providers.HARMLESS)
async def test_an_answer_that_can_be_read_is_read(server, provider, fault):
    server.fail([fault])
    answer = await server.model(provider).answer(PROMPT, SoundProposals)
    count = {Fault.SURPLUS: 200, Fault.WRONG_TYPES: 0}.get(fault, 1)
    assert len(answer.value.memories) == count
    if fault == Fault.FENCED:
        assert answer.value.memories[0].content == "Tea is good.\n```python\nprint()\n```"


@BOTH
async def test_an_answer_of_another_shape_cannot_be_read(server, provider):
    class Other(BaseModel):
        number: int

    with pytest.raises(ModelError, match="cannot be read"):
        await server.model(provider).answer(PROMPT, Other)


async def test_a_model_without_a_key_is_not_asked(server):
    for model, variable in (
        (server.model(api_key=None), "ANTHROPIC_API_KEY"),
        (OpenAIModel(api_key=None), "OPENAI_API_KEY"),
    ):
        with pytest.raises(ModelError, match=f"{variable} is not set") as caught:
            await model.answer(PROMPT, SoundProposals)
        assert caught.value.permanent
    assert server.requests == []


async def test_a_server_of_ones_own_needs_no_key(server):
    answer = await server.model("openai", api_key=None).answer(PROMPT, SoundProposals)
    assert len(answer.value.memories) == 1


@pytest.mark.parametrize("model", [AnthropicModel, OpenAIModel])
@pytest.mark.parametrize(
    "url", ["localhost", "http://", "http://[", "http://a b", "ftp://a", "http://127.0.0.1:99999"]
)
async def test_an_address_that_is_none_is_an_error_for_good(model, url):
    with pytest.raises(ModelError, match="base URL") as caught:
        await model(api_key="k", base_url=url).answer(PROMPT, SoundProposals)
    assert caught.value.permanent


@pytest.mark.parametrize("model", [AnthropicModel, OpenAIModel])
@pytest.mark.parametrize("key", ["ké", "a\nb", "a b", " "])
async def test_a_key_that_is_none_is_an_error_for_good_and_is_not_repeated(model, key):
    with pytest.raises(ModelError, match="is not a key") as caught:
        await model(api_key=key, base_url="http://127.0.0.1:9").answer(PROMPT, SoundProposals)
    assert caught.value.permanent
    assert key not in caught.value.explain().split()


@pytest.mark.parametrize("model", [AnthropicModel, OpenAIModel])
async def test_a_host_that_nobody_answers_at_may_answer_later(model):
    with pytest.raises(ModelError, match=r"was not reached at 127\.0\.0\.1:9") as caught:
        await model(api_key="k", base_url="http://127.0.0.1:9").answer(PROMPT, SoundProposals)
    assert not caught.value.permanent
