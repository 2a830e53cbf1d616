"""Resources through a client."""

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, TextResourceContents

from elephantasm_mcp.app import App
from elephantasm_mcp.memory import animas
from elephantasm_mcp.resources import packs
from elephantasm_mcp.resources.uris import anima_in, spellings, uri_of
from elephantasm_mcp.types.records import AnimaCreate
from scenes import identity, tell, write_rows
from speaking import answer, connected, text_of


async def read(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == "text/markdown"
    return contents.text


async def test_there_is_a_template_for_each_view(app: App) -> None:
    async with connected(app) as client:
        templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [
        "anima://{anima}/pack",
        "anima://{anima}/identity",
        "anima://{anima}/dreams",
    ]
    assert all(t.title and t.description and t.mime_type == "text/markdown" for t in templates)


async def test_the_pack_reads_as_the_tool_gives_it(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        said = text_of(await client.call_tool("get_memory_pack", {}))
        assert await read(client, "anima://default/pack") == said


async def test_each_anima_is_listed_by_uuid_and_can_be_read_so(app: App) -> None:
    work, _ = await animas.create(app.core, app.user, AnimaCreate(name="work"))
    async with connected(app) as client:
        (resource,) = (await client.list_resources()).resources
        assert resource.uri == f"anima://{work.id}/pack"
        assert resource.title == "Memory pack of work"
        assert await read(client, resource.uri) == await read(client, "anima://work/pack")


async def test_packs_are_listed_in_pages(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PAGE_SIZE", 2)
    made = [await animas.create(app.core, app.user, AnimaCreate(name=f"a{n}")) for n in range(5)]
    uris: list[str] = []
    cursor: str | None = None
    async with connected(app) as client:
        for size in (2, 2, 1):
            page = await client.list_resources(cursor=cursor)
            assert len(page.resources) == size
            uris += [resource.uri for resource in page.resources]
            cursor = page.next_cursor
    assert cursor is None
    assert uris == [uri_of(anima.id, "pack") for anima, _ in made]


async def test_a_strange_cursor_is_refused(app: App) -> None:
    async with connected(app) as client:
        with pytest.raises(MCPError, match="does not come from this list") as refused:
            await client.list_resources(cursor="page-2")
    assert refused.value.code == INVALID_PARAMS


async def test_an_identity_is_not_claimed_before_there_is_one(app: App) -> None:
    await animas.create(app.core, app.user, AnimaCreate(name="work"))
    async with connected(app) as client:
        assert "There is none yet." in await read(client, "anima://work/identity")


async def test_the_journal_is_newest_first_with_a_line_for_each_action(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        first = (await answer(client, "dream", phase="synthesis"))["dream"]
        await answer(client, "undo_dream", dream=first)
        journal = await read(client, "anima://default/dreams")
    headings = [line for line in journal.splitlines() if line.startswith("## ")]
    assert journal.startswith("# Dreams of default\n")
    assert headings[-1].startswith(f"## {first} (undone): synthesis, ")
    assert f"takes back {first}" in headings[0]
    assert "- made m1: " in journal
    assert "(from e1)" in journal


async def test_a_journal_without_dreams_says_so(app: App) -> None:
    await animas.create(app.core, app.user, AnimaCreate(name="work"))
    async with connected(app) as client:
        assert "None yet" in await read(client, "anima://work/dreams")


async def test_an_identity_reads_with_what_shows_it_and_who_built_it(app: App) -> None:
    await tell(app.core, "I prefer short answers.", session_id="s")
    await write_rows(app.core, identity(app.core, "Assistant of Nadia.\n# Terse."))
    async with connected(app) as client:
        text = await read(client, "anima://default/identity")
    assert text.startswith(
        "# Identity of default\n\nAssistant of Nadia. Terse.\n\n- Style: terse\n"
    )
    assert "by test-1 (i1)." in text


@pytest.mark.parametrize("view", ["pack", "identity", "dreams"])
async def test_an_unknown_anima_is_an_error_with_a_sentence(app: App, view: str) -> None:
    async with connected(app) as client:
        with pytest.raises(MCPError, match="There is no anima 'nobody'") as refused:
            await client.read_resource(f"anima://nobody/{view}")
    assert refused.value.code == INVALID_PARAMS


@pytest.mark.parametrize("uri", ["anima://default/secrets", "file:///etc/passwd", "anima://"])
async def test_an_unknown_resource_names_the_known_ones(app: App, uri: str) -> None:
    async with connected(app) as client:
        with pytest.raises(MCPError, match="There is no such resource") as refused:
            await client.read_resource(uri)
    assert "anima://{anima}/dreams" in refused.value.message
    assert refused.value.code == INVALID_PARAMS


@pytest.mark.parametrize("name", ["a/b", "../up", "/root", "ä ö", "100%", "x?y#z"])
async def test_any_name_can_stand_in_a_uri(app: App, name: str) -> None:
    anima, _ = await animas.create(app.core, app.user, AnimaCreate(name=name))
    uri = uri_of(name, "identity")
    assert anima_in(uri) == name
    assert uri in set(spellings(anima.id, name, "identity"))
    async with connected(app) as client:
        assert (await read(client, uri)).startswith("# Identity of ")


async def test_recall_brings_the_pack_as_a_message(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="Nadia is allergic to hazelnuts.")
        prompt = await client.get_prompt("recall", {"query": "hazelnuts"})
    (message,) = prompt.messages
    assert message.role == "user"
    assert "<memory-pack key=" in message.content.text
    assert "allergic to hazelnuts" in message.content.text


async def test_about_me_gives_handles_to_correct_by(app: App) -> None:
    async with connected(app) as client:
        await answer(client, "extract_event", content="I am allergic to hazelnuts.")
        await answer(client, "dream", phase="synthesis")
        (message,) = (await client.get_prompt("about_me")).messages
    assert "(m1" in message.content.text
    assert "undo_dream" in message.content.text


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("recal", {}, "There is no prompt `recal`. Did you mean `recall`?"),
        ("recall", {"quary": "x"}, "Unknown argument `quary` of `recall`. Did you mean `query`?"),
        ("about_me", {"anima": "nobody"}, "There is no anima 'nobody'"),
    ],
)
async def test_a_prompt_is_refused_plainly(
    app: App, name: str, arguments: dict[str, str], said: str
) -> None:
    async with connected(app) as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, arguments)
    assert refused.value.message.startswith(said)
    assert refused.value.code == INVALID_PARAMS
