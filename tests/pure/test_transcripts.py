"""Reading transcripts of Claude Code: golden lines, and what is never said."""

import json
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.redaction import redact
from elephantasm_mcp.pure.transcripts import plain_text, read_lines, shortened

GOLDEN = Path(__file__).parent.parent / "hooks" / "golden" / "claude-code.jsonl"


def said_in(*lines: bytes, own_calls: set[str] | None = None):
    return list(read_lines(lines, mask=redact, own_calls=set() if own_calls is None else own_calls))


def a_line(content: object, *, kind: str = "user", **more: object) -> bytes:
    found = {"type": kind, "uuid": "u1", "message": {"role": kind, "content": content}}
    return json.dumps(found | more).encode()


@pytest.mark.parametrize(
    "text",
    [
        "<memory-pack " * 300_000,
        "<system-reminder " * 300_000,
        "<command-name>/plan</command-name>" + "<command-args>" * 300_000,
        "<bash-stdout></bash-stdout>" * 100_000 + "<bash-stdout>" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_marks_without_end_are_read_as_fast_as_other_words(text: str):
    assert len(plain_text(text)) <= len(text)


def test_the_name_of_a_tool_may_be_long():
    call = {"type": "tool_use", "id": "t", "name": "mcp__" + "elephantasm__" * 300_000 + "!"}
    assert [one.event_type for one in said_in(a_line([call]))] == ["tool.call"]


def test_a_golden_transcript_reads_as_what_was_said():
    found = said_in(*GOLDEN.read_bytes().splitlines())
    assert [(one.event_type, one.content.split("\n")[0]) for one in found] == [
        (
            "message.in",
            "We move billing from MongoDB to PostgreSQL. Bogdan signs it off on Thursday.",
        ),
        ("message.out", "I look at the migrations first."),
        ("tool.call", "Bash: ls migrations"),
        ("tool.result", "0001_initial.sql"),
        ("message.in", "/review the invoices table"),
        ("message.in", "Keep the old table until May."),
        ("tool.call", found[6].content.split("\n")[0]),
        ("tool.result", "<tool_use_error>File has not been read yet.</tool_use_error>"),
        ("message.out", "Done: the old table stays until May."),
    ]
    assert found[0].key == "claude-code:00000000-0000-4000-8000-000000000001"
    assert found[0].folder == "/home/nadia/shop"
    assert [one.key.partition("/")[2] for one in found[1:3]] == ["", "1"]
    assert [one.failed for one in found[-3:]] == [False, True, False]


def test_calls_and_results_are_cut_in_the_middle():
    call = a_line(
        [{"type": "tool_use", "id": "t", "name": "Write", "input": {"content": "x" * 9_000}}],
        kind="assistant",
    )
    result = a_line([{"type": "tool_result", "tool_use_id": "t", "content": "y" * 9_000 + "END"}])
    made, answered = said_in(call, result)
    assert len(made.content) < 500
    assert len(answered.content) < 2_100
    assert answered.content.endswith("END")


def test_a_secret_is_masked_before_a_text_is_cut():
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    for before in range(1_380, 1_410):
        content = "x" * before + f" aws_access_key_id={secret} " + "y" * 3_000
        (found,) = said_in(
            a_line([{"type": "tool_result", "tool_use_id": "t", "content": content}])
        )
        assert "AKIA" not in found.content


@pytest.mark.parametrize("where", [slice(None, 900), slice(-400, None)], ids=["head", "tail"])
def test_no_half_of_a_secret_is_left_of_a_text_that_is_too_long_to_be_looked_at_whole(where: slice):
    key = "sk-ant-api03-" + "Ab3" * 31
    content = "".join(f"{number:05d} {key}\n" for number in range(2_000))
    (found,) = said_in(a_line([{"type": "tool_result", "tool_use_id": "t", "content": content}]))
    assert len(found.content) < 2_100
    assert "[redacted: anthropic key]" in found.content[where]
    assert "Ab3" not in found.content


def test_no_more_of_a_text_is_searched_for_secrets_than_is_near_what_is_left_of_it():
    looked_at: list[int] = []

    def mask(text: str) -> tuple[str, int]:
        looked_at.append(len(text))
        return text, 0

    long = "a line of a log\n" * 400_000
    call = {"type": "tool_use", "id": "t", "name": "Write", "input": {"content": long}}
    command = {"type": "tool_use", "id": "u", "name": "Bash", "input": {"command": long}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": long}
    lines = [a_line([one]) for one in (call, command, result, {"type": "text", "text": long})]
    found = list(read_lines(lines, mask=mask, own_calls=set()))
    assert len(found) == 4
    assert sum(looked_at) < 70_000


def random_text(chars: int) -> str:
    """Letters and digits as in a key, the same each time."""
    blocks = (sha256(str(number).encode()).digest() for number in range(chars // 32 + 1))
    return b64encode(b"".join(blocks), altchars=b"Aa").decode()[:chars]


def private_key(*, chars: int, before: str = "") -> str:
    """A private key, each line with something before it, as tools show files."""
    body = random_text(chars)
    lines = [body[start : start + 64] for start in range(0, chars, 64)]
    begin, end = (f"-----{word} RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    return "\n".join(f"{before}{line}" for line in (begin, *lines, end))


@pytest.mark.parametrize(
    "secret",
    [
        private_key(chars=3_200),
        private_key(chars=9_000),
        private_key(chars=6_000, before="   12→"),
        'password = "' + random_text(1_800) + '"',
        "eyJ" + ".".join([random_text(900)] * 3),
        "sk-ant-" + random_text(2_500),
    ],
    ids=["key", "long key", "numbered key", "password", "jwt", "token"],
)
@pytest.mark.parametrize("chars", [28_000, 200_000])
def test_a_secret_is_left_out_whole_wherever_it_stands_in_a_long_text(secret: str, chars: int):
    pieces = {secret[start : start + 16] for start in range(60, len(secret) - 80)}
    filler = "a line of a log\n" * (chars // 16)
    near_an_end = [*range(0, 9_600, 400)]
    for before in [*near_an_end, *(chars - 400 - one for one in near_an_end)]:
        content = f"{filler[:before]}\n{secret}\n{filler[before:]}"
        result = {"type": "tool_result", "tool_use_id": "t", "content": content}
        (found,) = said_in(a_line([result]))
        text = found.content
        assert pieces.isdisjoint(text[start : start + 16] for start in range(len(text)))


def test_the_result_of_our_own_tool_is_left_out_though_it_comes_in_a_later_part():
    own_calls: set[str] = set()
    call = {"type": "tool_use", "id": "t9", "name": "mcp__elephantasm__get_memory_pack"}
    assert said_in(a_line([call], kind="assistant"), own_calls=own_calls) == []
    result = {"type": "tool_result", "tool_use_id": "t9", "content": "## Relevant Knowledge"}
    assert said_in(a_line([result]), own_calls=own_calls) == []
    assert own_calls == set()


@pytest.mark.parametrize(
    ("command", "is_ours"),
    [
        ("elephantasm-mcp search heron", True),
        ("cd shop && ~/.local/bin/elephantasm-mcp pack", True),
        ("ls; uvx elephantasm-mcp trace k3 | head", True),
        ("echo heron | elephantasm-mcp search", True),
        ("grep -rn 'elephantasm-mcp search' docs", False),
        ("git log --grep elephantasm-mcp search", False),
        ("my-elephantasm-mcp search heron", False),
    ],
)
def test_only_a_command_of_our_own_program_is_ours(command: str, is_ours: bool):
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": command}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "docs/a.md: heron"}
    found = said_in(a_line([call], kind="assistant"), a_line([result]))
    assert [one.event_type for one in found] == ([] if is_ours else ["tool.call", "tool.result"])


def test_a_pack_whose_end_was_cut_off_is_left_out_whole():
    pack = '<memory-pack key="0123456789abcdef">\n- [FACT] Hazelnuts (k3)\n- […'
    assert plain_text(f"Look:\n{pack}") == "Look:"
    assert plain_text(f"Look: {pack}</memory-pack> Nice.") == "Look:  Nice."
    assert plain_text('Look:\n<memory-pack key="0123') == "Look:"


@pytest.mark.parametrize(
    "text",
    [
        "What does the <system-reminder> tag do? And remember: my sister is called Ines.",
        'We print <memory-pack key="x"> first. IMPORTANT decision: we ship on Friday.',
        'We print <memory-pack key="0123456789abcdef"> first. We ship on Friday.',
        "<memory-pack> is printed first, </memory-pack> last.",
        "<task-runner> is the component that we drop on Friday.",
        "<command-line flags must be spelled out.",
        "<task-notification> is what a client says.",
        "<bash-stdout> is what the shell said.",
        "A line of a command has <command-name>/review</command-name> in it.",
    ],
)
def test_a_tag_that_somebody_speaks_of_is_a_word(text: str):
    assert plain_text(text) == text


def test_blocks_are_cut_in_one_pass_however_many_begin():
    text = "\n".join(["<system-reminder>"] * 60_000)
    assert plain_text(text) == text
    block = "<system-reminder>Be terse.</system-reminder>"
    assert plain_text(f"One. {block}Two.{block}") == "One. Two."


@pytest.mark.parametrize(
    "text",
    [
        "<local-command-stdout>x</local-command-stdout>",
        "<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>",
        "<command-message>x</command-message>\n<command-args>y</command-args>",
        "<task-notification>done</task-notification>\nFull transcript: /tmp/a.output",
        "Caveat: The messages below were generated by the user while running local commands. x",
        "[Request interrupted by user for tool use]",
        "<system-reminder>Be terse.</system-reminder>",
    ],
)
def test_what_nobody_said_is_nothing(text: str):
    assert plain_text(text) == ""


@pytest.mark.parametrize(
    "before",
    [
        "<bash-input>ls</bash-input>",
        "<bash-input>ls</bash-input>\n<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>",
        "[Request interrupted by user]\n",
    ],
)
def test_words_behind_what_a_client_put_there_are_said(before: str):
    assert plain_text(f"{before} and words") == "and words"


def test_what_is_nested_too_deep_is_passed_over_and_nothing_else():
    deep: object = "x"
    for _ in range(sys.getrecursionlimit() * 3 // 4):
        deep = [deep]
    call = {"type": "tool_use", "id": "t", "name": "Write", "input": {"content": deep}}
    around = [{"type": "text", "text": text} for text in ("Before.", "Behind.")]
    found = said_in(a_line([around[0], call, around[1]]), a_line("After."))
    assert [one.content for one in found] == ["Before.", "Behind.", "After."]


@pytest.mark.parametrize("field", ["type", "uuid", "timestamp", "sessionId", "cwd", "isMeta"])
@pytest.mark.parametrize("value", [[], {}, 7, None])
def test_no_field_of_another_form_breaks_the_reader(field: str, value: object):
    result = {"type": "tool_result", "tool_use_id": value, "content": "x"}
    call = {"type": "tool_use", "id": value, "name": value, "input": value}
    said_in(a_line([result, call], **{field: value}))


def test_half_an_emoji_keeps_nothing_from_being_stored():
    half = "A cut \ud83d emoji."
    call = {"type": "tool_use", "id": "t", "name": "Say", "input": {"text": half}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": half}
    lines = [a_line([one], sessionId="s\udc00") for one in (call, result)]
    found = said_in(a_line(half), *lines)
    assert found[0].content == found[2].content == "A cut \N{REPLACEMENT CHARACTER} emoji."
    for one in found:
        (one.content + (one.session_id or "")).encode()


def test_a_secret_that_is_whole_once_the_text_is_mended_is_masked():
    key = "sk-ant-\0api03-" + "Ab3" * 31
    (found,) = said_in(a_line(f"Half \ud83d of {key}"))
    assert "Ab3" not in found.content


@given(st.binary(max_size=200) | st.from_type(str).map(str.encode))
def test_no_line_breaks_the_reader(line: bytes):
    assert said_in(line) == []


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_content_breaks_the_reader(content: object):
    for one in said_in(a_line(content), a_line([{"type": "tool_result", "content": content}])):
        assert one.content


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_text_is_shortened_to_its_beginning_and_end(text: str, most: int):
    short = shortened(text, max_chars=most)
    assert short == text if len(text) <= most else len(short) < most + 40
