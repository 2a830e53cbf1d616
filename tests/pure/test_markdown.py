"""Markdown: whatever was remembered stays text, and names of files stay names."""

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.pure.markdown import file_name, inline, quoted

STRUCTURE = re.compile(r"(?<!\\)(?:\\\\)*[`*_\[\]#|~]|<|://|^(\d+[.)]|[-+]) ?|^>")
SPICY = st.text(alphabet=st.sampled_from("ab1 .-+*_#[]()<>!`~|\\\n\t&:/=$^éж🐘"), max_size=40)


@given(SPICY)
def test_a_line_opens_no_structure(text: str):
    assert "\n" not in inline(text)
    assert STRUCTURE.search(inline(text)) is None


@given(SPICY)
def test_a_quotation_is_one_from_its_first_line_to_its_last(text: str):
    assert all(line.startswith(">") for line in quoted(text).split("\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nadia's tea costs 5 & more", "Nadia's tea costs 5 &amp; more"),
        ("[x](https://evil.example)", r"\[x\]\(https:&#47;/evil.example\)"),
        ("1. first", r"1\. first"),
        ("a * b", r"a \* b"),
    ],
)
def test_text_can_still_be_read(text: str, shown: str):
    assert inline(text) == shown


@given(st.text(max_size=80))
def test_a_name_is_one_that_every_system_takes(text: str):
    name = file_name(text, taken=())
    assert PurePosixPath(name).parts == (name,)
    assert PureWindowsPath(name).parts == (name,)
    assert not PureWindowsPath(name).is_reserved()
    assert not name.startswith(("-", "."))
    assert len(name.encode()) <= 255


def test_two_animas_never_share_a_folder():
    taken = {"my-agent"}
    assert file_name("My agent", taken=taken) == "my-agent-2"
    assert file_name("???", taken=()) == "anima"
