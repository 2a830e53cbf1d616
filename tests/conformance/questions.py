"""Tools and a prompt of the conformance suite that ask the client something before they answer.

Up to 2025-11-25 the server sends the client a request of its own; from 2026-07-28 on it answers
with what it needs to know, and the client asks again with it (`input_required`). The shipped server
does neither: this shows that nothing of ours stands in the SDK's way.
"""

import json
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {
        "type": "string",
        "enum": ["active", "inactive", "pending"],
        "default": "active",
    },
    "verified": {"type": "boolean", "default": True},
}
ENUMS = {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {
        "type": "string",
        "oneOf": [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)],
    },
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {
        "type": "array",
        "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
    },
    "titledMulti": {
        "type": "array",
        "items": {"anyOf": [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]},
    },
}


def form(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """The schema of a form."""
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def question(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """Ask the user for one value."""
    schema = form({field: {"type": kind}}, field)
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(text: str) -> CreateMessageRequest:
    """Ask the client's model for an answer."""
    message = SamplingMessage(role="user", content=TextContent(text=text))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=100)
    )


def told(ctx: Context, name: str, field: str) -> Any:
    """What the user filled in; None while that has not come."""
    answer = (ctx.input_responses or {}).get(name)
    return (answer.content or {}).get(field) if isinstance(answer, ElicitResult) else None


def sampled(ctx: Context, name: str) -> str | None:
    """What the client's model said."""
    answer = (ctx.input_responses or {}).get(name)
    if not isinstance(answer, CreateMessageResult):
        return None
    return answer.content.text if isinstance(answer.content, TextContent) else ""


def roots(ctx: Context, name: str) -> int | None:
    """How many roots the client named."""
    answer = (ctx.input_responses or {}).get(name)
    return len(answer.roots) if isinstance(answer, ListRootsResult) else None


def ask(state: Mapping[str, Any] | None = None, **requests: InputRequest) -> InputRequiredResult:
    """Answer with questions; the state comes back with the answers, sealed by the SDK."""
    return InputRequiredResult(
        input_requests=requests, request_state=None if state is None else json.dumps(state)
    )


def state_of(ctx: Context) -> dict[str, Any]:
    """The state that came back."""
    return json.loads(ctx.request_state or "{}")


async def test_sampling(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    params = sampling(prompt).params
    said = await ctx.session.create_message(
        params.messages, max_tokens=params.max_tokens, related_request_id=ctx.request_id
    )
    return f"LLM response: {said.content.text if isinstance(said.content, TextContent) else ''}"


async def fill_in(ctx: Context, message: str, schema: dict[str, Any]) -> str:
    filled = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return f"action={filled.action}, content={json.dumps(filled.content)}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """Ask the user."""
    schema = form({"response": {"type": "string"}}, "response")
    return f"User response: {await fill_in(ctx, message, schema)}"


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Ask the user with defaults."""
    return f"Elicitation completed: {await fill_in(ctx, 'Please review', form(DEFAULTS))}"


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Ask the user to choose."""
    return f"Elicitation completed: {await fill_in(ctx, 'Please choose', form(ENUMS))}"


def test_missing_capability(ctx: Context) -> str:
    """Refuse clients without sampling."""
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling.",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return "Success"


def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Ask the user's name."""
    name = told(ctx, "user_name", "name")
    if name is None:
        return ask(user_name=question("What is your name?", "name"))
    return f"Hello, {name}!"


def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
    """Ask the client's model."""
    said = sampled(ctx, "sample_request")
    if said is None:
        return ask(sample_request=sampling("What is the capital of France?"))
    return f"Sampling result: {said}"


def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
    """Ask for the client's roots."""
    found = roots(ctx, "roots_request")
    if found is None:
        return ask(roots_request=ListRootsRequest())
    return f"Found {found} root(s)"


def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
    """Ask only what the client can answer."""
    can = ctx.client_capabilities
    asked: dict[str, InputRequest] = {}
    if can is not None and can.elicitation is not None:
        asked["elicit_input"] = question("Elicitation input", "value")
    if can is not None and can.sampling is not None:
        asked["sample_input"] = sampling("Sample request")
    if ctx.input_responses or not asked:
        return "Nothing is left to ask."
    return ask(**asked)


def test_input_required_result_prompt(ctx: Context) -> Any:
    """Ask for the context first."""
    context = told(ctx, "user_context", "context")
    if context is None:
        return ask(user_context=question("What context should the prompt use?", "context"))
    return f"Prompt with context: {context}"


def confirmed(ctx: Context) -> str | InputRequiredResult:
    if state_of(ctx).get("asked") and told(ctx, "confirm", "ok"):
        return "state-ok: what came back is what went out"
    return ask({"asked": True}, confirm=question("Please confirm", "ok", "boolean"))


def test_input_required_result_request_state(ctx: Context) -> str | InputRequiredResult:
    """Ask, with a state."""
    return confirmed(ctx)


def test_input_required_result_tampered_state(ctx: Context) -> str | InputRequiredResult:
    """Ask, with a state that the suite falsifies."""
    return confirmed(ctx)


def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
    """Ask three things at once."""
    name = told(ctx, "user_name", "name")
    greeting, found = sampled(ctx, "greeting"), roots(ctx, "client_roots")
    if name is None or greeting is None or found is None or not state_of(ctx).get("asked"):
        return ask(
            {"asked": True},
            user_name=question("What is your name?", "name"),
            greeting=sampling("Generate a greeting"),
            client_roots=ListRootsRequest(),
        )
    return f"Name: {name}; Greeting: {greeting}; Roots: {found}"


def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
    """Ask one thing after the other."""
    state = state_of(ctx)
    name, color = told(ctx, "step1", "name"), told(ctx, "step2", "color")
    if state.get("round") == 2 and color is not None:
        return f"{state['name']} likes {color}"
    if state.get("round") == 1 and name is not None:
        step = question("Step 2: What is your favorite color?", "color")
        return ask({"round": 2, "name": name}, step2=step)
    return ask({"round": 1}, step1=question("Step 1: What is your name?", "name"))


TOOLS = (
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_missing_capability,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_capabilities,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
)
PROMPTS = (test_input_required_result_prompt,)
