"""Large JSON arrays, read object by object."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.memory.formats.arrays import read_array
from elephantasm_mcp.memory.formats.items import Rejected
from elephantasm_mcp.memory.formats.parts import Part

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text('aé\\"/\n😀{['),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab]", max_size=3), inner),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=3), max_size=5)


class Dripping(io.BytesIO):
    """A file that gives a few bytes at a time, whatever is asked for."""

    def __init__(self, data: bytes, drops: int) -> None:
        super().__init__(data)
        self._drops = drops

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._drops if size is None or size < 0 else min(size, self._drops))


def read(data: bytes, *, drops: int = 1 << 20, keys: tuple[str, ...] = ("found",)) -> list[object]:
    """Each object, or why it is none."""
    part = Part("f.json", Dripping(data, drops))
    return [
        one.reason if isinstance(one, Rejected) else one
        for _, _, one in read_array(part, name="object", keys=keys)
    ]


@given(OBJECTS, st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_read_as_json_reads_it(
    objects: list[dict[str, object]], drops: int, ascii_only: bool, indent: int | None, under: bool
):
    document = {"before": [1, {"found": []}], "found": objects, "after": 2} if under else objects
    data = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(data, drops=drops) == objects


@given(OBJECTS.filter(bool), st.integers(1, 9), st.data())
def test_a_file_that_breaks_off_gives_what_is_whole_and_says_so(
    objects: list[dict[str, object]], drops: int, data: st.DataObject
):
    whole = json.dumps(objects).encode()
    cut = data.draw(st.integers(1, len(whole) - 1))
    *before, last = read(whole[:cut], drops=drops)
    assert before == objects[: len(before)]
    assert isinstance(last, str)
    assert "breaks off" in last


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes):
    for one in read(data, drops=7):
        assert isinstance(one, dict | str)


def test_numbers_that_a_window_cuts_stay_whole():
    assert read(b'{"version": 1234, "found": [{"n": 5678}]}', drops=1) == [{"n": 5678}]


def test_what_is_no_object_is_named():
    found = list(read_array(Part("f.json", io.BytesIO(b'[{"a": 1}, 7]')), name="memory"))
    assert [place for place, _, _ in found] == ["memory 1", "memory 2"]
    assert isinstance(found[1][2], Rejected)


def test_brackets_without_end_are_refused_at_once():
    assert read(b"[" * 5_000_000) == ["It is nested, or a number is long, beyond reason."]


def test_what_comes_instead_of_json_is_named_where_it_comes():
    assert read(b'[{"a": 1}, nonsense]') == [{"a": 1}, "From here on the file is not JSON."]
    assert read(b'{"other": []}') == ["It has no array `found`."]
    assert read(b"") == ["The file is empty."]
    assert read(b"nonsense") == ["It is no JSON array."]


def test_positions_end_at_the_size_of_the_file():
    data = json.dumps([{"a": "b" * 1000}] * 3000).encode()
    *_, (_, position, _) = read_array(Part("f.json", io.BytesIO(data)), name="object")
    assert position == len(data)
