"""The tools, resources and prompts that the conformance suite asks for by name, and answers alone.

What each must say stands in the descriptions of the suite's scenarios (`conformance list`, and
`src/scenarios/server` of the project modelcontextprotocol/conformance, 0.2.0-alpha). Those that ask
the client something are in `questions`.
"""

import base64
import json
import warnings

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import (
    AudioContent,
    Completion,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c63606060f80f0001040100b5e3d1a10000000049454e44ae426082"
    )
).decode()
WAV = base64.b64encode(
    b"RIFF" + (38).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + b"\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"
    + b"data" + (2).to_bytes(4, "little") + b"\x80\x80"
).decode()  # fmt: skip


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """A resource inside an answer."""
    return EmbeddedResource(resource=TextResourceContents(uri=uri, text=text, mime_type=mime_type))


async def log(ctx: Context, text: str) -> None:
    """Send a log message, which the newest revision deprecates and the suite still asks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        await ctx.info(text)


def test_simple_text() -> str:
    """A text."""
    return "This is a simple text response for testing."


def test_image_content() -> ImageContent:
    """An image."""
    return ImageContent(data=PNG, mime_type="image/png")


def test_audio_content() -> AudioContent:
    """A sound."""
    return AudioContent(data=WAV, mime_type="audio/wav")


def test_embedded_resource() -> EmbeddedResource:
    """A resource inside the answer."""
    return embedded("test://embedded-resource", "This is an embedded resource content.")


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """A text, an image and a resource."""
    return [
        TextContent(text="Multiple content types test:"),
        ImageContent(data=PNG, mime_type="image/png"),
        embedded(
            "test://mixed-content-resource",
            json.dumps({"test": "data", "value": 123}),
            "application/json",
        ),
    ]


async def test_tool_with_logging(ctx: Context) -> str:
    """Three log messages, then a text."""
    for text in ("started", "processing data", "completed"):
        await log(ctx, f"Tool execution {text}")
    return "Tool with logging executed successfully"


async def test_tool_with_progress(ctx: Context) -> str:
    """Three reports of progress, then a text."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
    return "Progress reported"


def test_error_handling() -> str:
    """An error."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_streaming_elicitation(ctx: Context) -> str:
    """Progress on the stream of the answer."""
    await ctx.report_progress(50, 100)
    return "Streaming complete"


async def test_logging_tool(ctx: Context) -> str:
    """A log message for who asked for one."""
    await log(ctx, "Diagnostic trace logging activated")
    return "Logging evaluated"


async def test_trigger_tool_change(ctx: Context) -> str:
    """Say that the list of tools changed."""
    await ctx.notify_tools_changed()
    return "Mutation triggered"


async def test_trigger_prompt_change(ctx: Context) -> str:
    """Say that the list of prompts changed."""
    await ctx.notify_prompts_changed()
    return "Mutation triggered"


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PNG)


def watched_resource() -> str:
    """A text to subscribe to."""
    return "Watched resource content"


def template(id: str) -> str:  # noqa: A002 - the suite's name
    """A JSON document that names the id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def test_simple_prompt() -> str:
    """A text."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A text with both arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the suite's name
    """A resource and a text."""
    return [
        UserMessage(embedded(resourceUri, "Embedded resource content for testing.")),
        UserMessage("Please process the embedded resource above."),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """An image and a text."""
    return [
        UserMessage(ImageContent(data=PNG, mime_type="image/png")),
        UserMessage("Please analyze the image above."),
    ]


async def complete(ref: object, argument: object, context: object) -> Completion:
    del ref, argument, context
    return Completion(values=[], total=0, has_more=False)


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_tool_with_logging,
    test_tool_with_progress,
    test_error_handling,
    test_streaming_elicitation,
    test_logging_tool,
    test_trigger_tool_change,
    test_trigger_prompt_change,
)
RESOURCES = (
    ("test://static-text", "text/plain", static_text),
    ("test://static-binary", "image/png", static_binary),
    ("test://watched-resource", "text/plain", watched_resource),
    ("test://template/{id}/data", "application/json", template),
)
PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
)
