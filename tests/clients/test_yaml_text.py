"""YAML as text: an entry comes and goes, and nothing else moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.clients.yaml_text import at, put, take_out
from elephantasm_mcp.errors import ValidationError

PATH = ("extensions", "elephantasm")
ENTRY = {"cmd": "/opt/a: b #c", "args": ["-y"], "enabled": True, "envs": {"A": "é"}, "timeout": 5}
BEFORE = (
    "",
    "# goose\n",
    "---\n",
    "A: b # c\n",
    "text: |\n  extensions:\n    x: 1\n\n",
    "l:\n- 1\n- 2\n",
)
EXTENSIONS = (
    "extensions:\n  one:\n    type: builtin # x\n",
    "extensions:   # all\n\n    # first\n    one: {a: 1}\n    two:\n        b: |\n          t\n\n",
    "extensions: {}\n",
    "extensions: {one: {a: 1}, two: {b: [1]}} # flow\n",
    '"extensions":\n  one:\n  - 1\n  two:\n',
)
AFTER = ("", "\n# end\n", "B: c\n", "B: c")
documents = st.tuples(
    st.sampled_from(BEFORE), st.sampled_from(EXTENSIONS), st.sampled_from(AFTER), st.booleans()
).map(lambda parts: "".join(parts[:3]).replace("\n", "\r\n" if parts[3] else "\n"))


@given(text=documents)
def test_what_was_put_in_is_taken_out_to_the_byte(text: str):
    made = put(text, PATH, ENTRY)
    assert at(made, PATH) == ENTRY
    assert put(made, PATH, ENTRY) == made
    assert put(put(made, PATH, {"cmd": "other"}), PATH, ENTRY) == made
    assert take_out(made, PATH) == text


@pytest.mark.parametrize("text", ["", "A: b", "A: b\n", "# nothing\n", "extensions:\nB: c\n"])
def test_a_section_that_is_missing_or_empty_is_made(text: str):
    made = put(text, PATH, ENTRY)
    assert at(made, PATH) == ENTRY
    assert at(take_out(made, PATH), ("extensions",)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- 1\n",
        "extensions: 1\n",
        "extensions:\n- one\n",
        "extensions: null\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\n",
        "\tx: 1\n",
        "a: \x00\n",
    ],
)
def test_what_is_no_yaml_or_not_written_as_usual_is_refused(text: str):
    with pytest.raises(ValidationError):
        put(text, PATH, ENTRY)


def test_the_last_entry_leaves_an_empty_mapping_behind():
    text = "extensions:\n  elephantasm:\n    cmd: x\nB: c\n"
    assert take_out(text, PATH) == "extensions: {}\nB: c\n"
