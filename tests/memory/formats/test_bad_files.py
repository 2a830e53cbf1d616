"""Files that are not what they were called, or not whole: each is refused by name."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from reading import FILES, GOLDEN, golden, read, rejected, said

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.formats import parts
from elephantasm_mcp.memory.formats.items import Candidate
from elephantasm_mcp.memory.formats.known import FORMATS, files_of, format_of
from elephantasm_mcp.memory.formats.looks import looks_like
from elephantasm_mcp.memory.formats.markdown import sections
from elephantasm_mcp.memory.formats.parts import open_source
from elephantasm_mcp.memory.transfer import chosen, take_in
from elephantasm_mcp.types.records import LOCAL_USER

SINGLE = [name for name in FILES if (GOLDEN / FILES[name]).is_file()]
ARRAYS = ("claude", "chatgpt", "mem0", "mcp-memory-service")


def refused(name: str, path: Path) -> str:
    """Why a source is not read at all."""
    with pytest.raises(ValidationError) as error:
        read(name, path)
    return error.value.explain()


@pytest.mark.parametrize("name", FORMATS)
def test_binary_garbage_is_no_text(name: str, tmp_path: Path):
    path = tmp_path / "garbage"
    path.write_bytes(bytes(range(256)) * 8)
    assert "garbage is no text" in refused(name, path)


@pytest.mark.parametrize(
    ("magic", "kind"), [(b"\x1f\x8b\x08", "gzip archive"), (b"SQLite format 3\0", "SQLite")]
)
def test_what_it_is_instead_is_named(magic: bytes, kind: str, tmp_path: Path):
    path = tmp_path / "packed"
    path.write_bytes(magic + b"\0" * 100)
    assert kind in refused("jsonl", path)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_there_is_named(name: str, tmp_path: Path):
    assert "nowhere cannot be read" in refused(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_without_such_files_is_refused(name: str, tmp_path: Path):
    assert str(tmp_path) in refused(name, tmp_path)


@pytest.mark.parametrize("name", ARRAYS)
def test_an_empty_file_is_named_where_one_cannot_be(name: str, tmp_path: Path):
    path = tmp_path / "conversations.json"
    path.write_bytes(b"")
    assert [reason for _, reason in rejected(read(name, path))] == ["The file is empty."]


@pytest.mark.parametrize("name", ["jsonl", "claude-code", "server-memory", "markdown"])
def test_an_empty_file_says_nothing_where_one_can_be(name: str, tmp_path: Path):
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert read(name, path) == []


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_cut_in_the_middle_says_where(name: str, share: float, tmp_path: Path):
    whole = (GOLDEN / FILES[name]).read_bytes()
    path = tmp_path / "conversations.json"
    path.write_bytes(whole[: int(len(whole) * share)])
    items = read(name, path)
    ((place, reason),) = rejected(items)
    assert place.split()[0] in ("conversation", "memory")
    assert "breaks off" in reason
    assert said(items) == said(golden(name))[: len(said(items))]


async def test_a_transcript_cut_in_a_line_is_read_up_to_it_and_on_from_it(
    core: Core, tmp_path: Path
):
    (source,) = (GOLDEN / "claude-code").rglob("*.jsonl")
    whole = source.read_bytes()
    path = tmp_path / "session.jsonl"
    path.write_bytes(whole[: whole.rindex(b"There are two")])
    first = await take_in(core, LOCAL_USER, read("claude-code", path))
    assert (first.stored, first.rejected) == (4, 1)
    assert first.first_rejected[0].place == "line 8"
    assert "breaks off" in first.first_rejected[0].reason
    path.write_bytes(whole)
    then = await take_in(core, LOCAL_USER, read("claude-code", path))
    assert (then.stored, then.duplicates, then.rejected) == (1, 4, 0)


def test_a_line_of_a_transcript_that_is_no_json_is_named_by_number(tmp_path: Path):
    (source,) = (GOLDEN / "claude-code").rglob("*.jsonl")
    lines = source.read_bytes().split(b"\n")
    lines[4] = lines[4][:100]
    path = tmp_path / "session.jsonl"
    path.write_bytes(b"\n".join(lines))
    assert rejected(read("claude-code", path)) == [("line 5", "It is not JSON.")]


@pytest.mark.parametrize("name", ["claude", "chatgpt"])
def test_the_folder_of_another_export_is_called_by_both_names(name: str):
    other = "chatgpt" if name == "claude" else "claude"
    assert FORMATS[other].title in refused(name, GOLDEN / other)


def test_a_zip_that_would_unpack_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parts, "_ALWAYS_FINE_BYTES", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * (4 << 20))
    assert "would unpack from" in refused("chatgpt", path)


def test_a_damaged_zip_is_named(tmp_path: Path):
    path = tmp_path / "export.zip"
    path.write_bytes(b"PK\x03\x04" + b"\1" * 100)
    assert "is a damaged zip" in refused("claude", path)


def test_a_zip_damaged_within_gives_what_is_whole_and_says_so(tmp_path: Path):
    path = tmp_path / "export.zip"
    chats = json.loads((GOLDEN / FILES["claude"]).read_bytes())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("conversations.json", json.dumps(chats * 9000))
    data = bytearray(path.read_bytes())
    data[len(data) - 5000] ^= 0xFF  # the sum at its end is wrong now
    path.write_bytes(data)
    items = read("claude", path)
    assert rejected(items)[-1][1] == "It is damaged from here on."
    assert len(said(items)) > 9000


def test_a_zip_for_what_comes_in_none_is_refused(tmp_path: Path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("memory.jsonl", "{}")
    assert "is a zip" in refused("server-memory", path)
    assert "holds no conversations.json" in refused("claude", path)


def test_an_archive_of_ours_is_called_one(tmp_path: Path):
    path = tmp_path / "all.jsonl"
    path.write_text('{"format": "elephantasm-archive", "version": 1}\n')
    assert "import archive" in refused("jsonl", path)


def test_what_looks_like_nothing_is_not_guessed(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk.\n")
    assert "looks like no format" in refused("auto", path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path):
    path = tmp_path / "memory.jsonl"
    path.write_text("{}")
    path.chmod(0)
    assert "cannot be read" in refused("server-memory", path)


@pytest.mark.parametrize(
    ("name", "text", "said_of_it"),
    [
        ("claude", '[{"name": "x"}, 7]', "It has no `chat_messages`."),
        ("claude", '[{"chat_messages": [{"sender": "dog", "text": "a"}]}]', "Its `sender` is"),
        ("chatgpt", '[{"mapping": []}]', "It has no `mapping` of messages."),
        (
            "chatgpt",
            '[{"mapping": {"a": {"message": {"author": {}, "content": {"parts": ["x"]}}}}}]',
            "Its author is not",
        ),
        ("server-memory", '{"type": "entity", "observations": []}', "An entity has a `name`"),
        ("server-memory", '{"type": "relation", "from": "a"}', "A relation has `from`"),
        ("mem0", '[{"id": "a"}]', "It has no `memory`"),
        ("mcp-memory-service", '{"memories": [{"content": 7}]}', "It has no `content`"),
    ],
)
def test_a_part_of_another_form_is_named(name: str, text: str, said_of_it: str):
    assert rejected(read(name, text.encode()))[0][1].startswith(said_of_it)


def test_a_tree_that_bites_its_tail_ends():
    loop = '[{"current_node": "a", "mapping": {"a": {"parent": "b"}, "b": {"parent": "a"}}}]'
    assert said(read("chatgpt", loop.encode())) == []


async def test_one_conversation_may_be_chosen_by_its_title_or_id(core: Core):
    for only in ("cut-over plan", "0b0c5f3e-6f1e-4a55-8d0e-1f3a5c7e9b01"):
        report = await take_in(core, LOCAL_USER, chosen(golden("claude"), only=only), dry_run=True)
        assert report.stored == 5
    with pytest.raises(NotFoundError, match="Nothing in the file is called 'dinner'"):
        await take_in(core, LOCAL_USER, chosen(golden("claude"), only="dinner"))


async def test_what_is_not_usable_elsewhere_is_no_matter_of_what_was_chosen(
    core: Core, tmp_path: Path
):
    for project in ("app", "other"):
        line = {"type": "user", "uuid": project, "sessionId": f"s-{project}"}
        line |= {"cwd": f"/home/u/{project}", "message": {"content": "Hello."}}
        (tmp_path / f"{project}.jsonl").write_text(f"{json.dumps(line)}\n{{cut")
    for only, place in (("/home/u/app", "app.jsonl, line 2"), ("s-other", "other.jsonl, line 2")):
        items = chosen(read("claude-code", tmp_path), only=only)
        report = await take_in(core, LOCAL_USER, items, dry_run=True)
        assert report.stored == 1
        assert [one.place for one in report.first_rejected] == [place]


async def test_what_may_be_part_of_what_was_chosen_is_named(core: Core, tmp_path: Path):
    line = {"type": "user", "uuid": "u", "sessionId": "s", "message": {"content": "Hello."}}
    (tmp_path / "a.jsonl").write_text("{cut\n")
    (tmp_path / "b.jsonl").write_text(f"{json.dumps(line)}\n")
    items = chosen(read("claude-code", tmp_path), only="s")
    report = await take_in(core, LOCAL_USER, items, dry_run=True)
    assert (report.stored, report.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("markdown", "<!--" * 900_000, 1),
        ("markdown", "# a" + " " * 3_000_000 + "x", 0),
        ("markdown", "# a" + " #" * 1_500_000 + "x", 0),
        ("basic-memory", "- a [[b]]" + " " * 3_000_000 + "x", 1),
        ("basic-memory", "- [[b]]\n" * 400_000, 1),
    ],
    ids=lambda one: str(one)[:12],
)
def test_what_has_no_end_is_read_as_fast_as_other_words(name: str, text: str, says: int, tmp_path):
    (tmp_path / "CLAUDE.md").write_text(text)
    assert len(said(read(name, tmp_path / "CLAUDE.md"))) == says


@pytest.mark.parametrize("text", ["- a [[b\n", "- [ab\n", '["conversations":['])
def test_marks_without_end_are_told_as_fast_as_others(text: str):
    for name in ("a.md", "a.json"):
        assert looks_like((text * 1_000_000).encode(), name=name) in ("markdown", None)


def test_a_file_that_is_imported_twice_is_read_once(tmp_path: Path):
    for number in range(6):
        imports = f"See @{number + 1}.md\n" * 100
        (tmp_path / f"{number}.md").write_text(f"Page {number}.\n{imports}")
    contents = [content for _, content in said(read("markdown", tmp_path / "0.md"))]
    assert [one.split("\n")[0] for one in contents] == [f"Page {number}." for number in range(6)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# a", "a"),
        ("# a ##  ", "a"),
        ("# a #b", "a #b"),
        ("# a#", "a#"),
        ("# ##", "##"),
        ("#\ta", "a"),
    ],
)
def test_a_heading_may_be_closed_by_hashes(text: str, title: str):
    assert [one.headings for one in sections(f"{text}\nWords.")][-1] == (title,)


def test_comments_are_left_out_and_lines_keep_their_numbers():
    text = b"<!-- a\n\n# b --># c\nWords.<!-->-->\n<!-- open"
    (item,) = read("markdown", text)
    assert isinstance(item, Candidate)
    assert (item.request.content, item.place) == ("c\nWords.\n<!-- open", "line 3")


def test_standard_input_is_read_once_and_its_format_told():
    data = (GOLDEN / FILES["mem0"]).read_bytes()
    source = open_source("-", stdin=io.BytesIO(data))
    found = format_of("auto", source)
    assert found.name == "mem0"
    assert len(files_of(found, source)) == 1
    assert said(read("mem0", data)) == said(golden("mem0"))
