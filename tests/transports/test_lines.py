"""What becomes of the lines that a client writes."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, JSONRPCError, JSONRPCRequest

from elephantasm_mcp.transports.lines import MAX_LINE_BYTES, TooLong, parse_line, split_lines

chunks = st.lists(st.binary(max_size=20) | st.sampled_from([b"\n", b"a\nb", b"\n\n"]), max_size=12)


@given(chunks)
def test_lines_are_the_same_however_the_bytes_arrive(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    expected = whole.split(b"\n")
    assert list(split_lines(parts)) == expected[: -1 if not expected[-1] else None]


@given(chunks, st.integers(1, 10))
def test_a_line_over_the_limit_is_marked_and_its_neighbours_are_whole(
    parts: list[bytes], limit: int
) -> None:
    lines = list(split_lines(parts, max_bytes=limit))
    expected = list(split_lines(parts))
    assert len(lines) == len(expected)
    for line, whole in zip(lines, expected, strict=True):
        assert isinstance(whole, bytes)
        assert isinstance(line, TooLong) if len(whole) > limit else line == whole


def test_an_endless_line_is_never_held() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000
        yield b"\nnext\n"

    first, second = split_lines(endless(), max_bytes=5000)
    assert isinstance(first, TooLong)
    assert second == b"next"


def request_line(content: str) -> bytes:
    """A request whose content is JSON as it stands, escapes included."""
    return b'{"jsonrpc":"2.0","id":7,"method":"m","params":{"content":"%s"}}' % content.encode()


def content_of(line: bytes) -> tuple[str, bool]:
    """The content of the request in a line, and whether it was mended."""
    parsed = parse_line(line)
    assert isinstance(parsed, SessionMessage)
    assert isinstance(parsed.message, JSONRPCRequest)
    return (parsed.message.params or {})["content"], parsed.metadata is not None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_sound_line_is_taken_as_it_is(text: str) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "m", "params": {"content": text}})
    assert content_of(line.encode()) == (text, False)


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (request_line(r"a \ud800 b"), "a \ufffd b"),
        (request_line(r"\udc00"), "\ufffd"),
        (request_line(r"\ud83d\ude00 \ud83d"), "😀 \ufffd"),
        (request_line("X").replace(b"X", b"caf\xe9"), "caf\ufffd"),
        (request_line("X").replace(b"X", b"\xed\xa0\x80"), "\ufffd\ufffd\ufffd"),
    ],
)
def test_broken_unicode_is_mended_and_marked(line: bytes, content: str) -> None:
    assert content_of(line) == (content, True)


@pytest.mark.parametrize(
    "line", [b"{", b"hello", b'{"id": 1,}', b"\xff\xfe", b"[" * 100_000, b"9" * 5000 + b"x"]
)
def test_what_is_not_json_is_a_parse_error(line: bytes) -> None:
    parsed = parse_line(line)
    assert isinstance(parsed, JSONRPCError)
    assert (parsed.error.code, parsed.id) == (PARSE_ERROR, None)


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        (b"[]", None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None),
        (b'{"jsonrpc":"2.0","id":5}', 5),
        (b'{"jsonrpc":"1.0","id":"a","method":"ping"}', "a"),
        (b'{"jsonrpc":"2.0","id":true,"method":7}', None),
        (b"42", None),
    ],
)
def test_json_that_is_no_message_is_an_invalid_request(line: bytes, id_: object) -> None:
    parsed = parse_line(line)
    assert isinstance(parsed, JSONRPCError)
    assert (parsed.error.code, parsed.id) == (INVALID_REQUEST, id_)


def test_a_line_that_is_too_long_is_told_the_limit() -> None:
    parsed = parse_line(TooLong())
    assert isinstance(parsed, JSONRPCError)
    assert parsed.error.code == INVALID_REQUEST
    assert f"{MAX_LINE_BYTES // 1024**2} MiB" in parsed.error.message


def test_a_request_whose_id_is_null_is_told_so() -> None:
    answer = parse_line(b'{"jsonrpc": "2.0", "id": null, "method": "ping"}')
    assert isinstance(answer, JSONRPCError)
    assert answer.error.code == -32600
    nested = b'{"jsonrpc": "2.0", "method": "x", "params": {"id": null}}'
    assert not isinstance(parse_line(nested), JSONRPCError)
