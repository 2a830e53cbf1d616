"""JSON as text: what is put in is all that changes."""

import json

import pytest
from hypothesis import given
from jsonc import documents, objects

from elephantasm_mcp.clients import json_text
from elephantasm_mcp.clients.json_text import MAX_DEPTH, put, read, take_out
from elephantasm_mcp.errors import ValidationError

PATH = ("mcpServers", "elephantasm")
ENTRY = {"command": "/opt/elephantasm-mcp", "args": ["--x"], "env": {"A": 'b"c'}}


@given(text=documents("mcpServers"))
def test_what_was_put_in_is_taken_out_to_the_byte(text: str):
    made = put(text, PATH, ENTRY)
    assert take_out(made, PATH) == text


@given(text=documents("mcpServers"))
def test_what_is_put_in_can_be_read_and_the_rest_reads_as_before(text: str):
    before, after = read(text).value, read(put(text, PATH, ENTRY)).value
    assert after["mcpServers"].pop("elephantasm") == ENTRY
    assert after == before


@given(text=documents("mcpServers"))
def test_putting_in_what_is_there_changes_nothing(text: str):
    made = put(text, PATH, ENTRY)
    assert put(made, PATH, ENTRY) == made


@given(text=documents("mcpServers"))
def test_another_entry_takes_its_place_and_nothing_else(text: str):
    other = {"command": "other"}
    assert put(put(text, PATH, ENTRY), PATH, other).count("elephantasm") == 1
    assert take_out(put(put(text, PATH, ENTRY), PATH, other), PATH) == text


@given(text=objects)
def test_a_section_that_is_missing_is_made(text: str):
    made = read(put(text, PATH, ENTRY)).value
    assert made.pop("mcpServers") == {"elephantasm": ENTRY}
    assert made == read(text).value


@given(text=objects)
def test_items_of_an_array_come_and_go(text: str):
    with_list = put(text, ("hooks", "Stop"), [{"command": "theirs"}])
    made = put(with_list, ("hooks", "Stop", 1), {"command": "ours"})
    assert read(made).value["hooks"]["Stop"] == [{"command": "theirs"}, {"command": "ours"}]
    assert take_out(made, ("hooks", "Stop", 1)) == with_list


@pytest.mark.parametrize("text", ["", "\n", "  \n\n", "// nothing yet", "/* a */\n", "\ufeff"])
def test_a_file_without_anything_in_it_gets_an_object(text: str):
    made = put(text, PATH, ENTRY)
    assert read(made).value == {"mcpServers": {"elephantasm": ENTRY}}
    assert made.startswith(text.rstrip())


def test_the_indentation_and_the_line_ends_of_the_file_are_kept():
    text = '{\r\n\t"mcpServers": {\r\n\t\t"x": {}\r\n\t}\r\n}\r\n'
    made = put(text, PATH, {"command": "c"})
    assert made == (
        '{\r\n\t"mcpServers": {\r\n\t\t"x": {},\r\n\t\t"elephantasm": {\r\n'
        '\t\t\t"command": "c"\r\n\t\t}\r\n\t}\r\n}\r\n'
    )


def test_a_comment_behind_the_last_entry_stays_with_it():
    text = '{\n  "mcpServers": {\n    "x": {} // mine\n  }\n}\n'
    assert '"x": {}, // mine\n    "elephantasm"' in put(text, PATH, ENTRY)


def test_a_key_that_is_repeated_goes_as_often_as_it_is_there():
    text = '{"mcpServers": {"elephantasm": 1, "x": 2, "elephantasm": 3}}'
    assert read(take_out(text, PATH)).value == {"mcpServers": {"x": 2}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1),
        ('{"a": 1', 1),
        ('{\n"a" 1}', 2),
        ('{"a": 1\n "b": 2}', 2),
        ("{,}", 1),
        ('{"a": nul}', 1),
        ('{"a": NaN}', 1),
        ('{"a": 01}', 1),
        ('{"a": "x\ny"}', 1),
        ("{} {}", 1),
        ("{}\n/* open", 2),
        ("{'a': 1}", 1),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(text: str, line: int):
    with pytest.raises(ValidationError, match=f"line {line} "):
        read(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', "{} // done", "/* x */ {}", "[1,]"])
def test_plain_json_has_neither_comments_nor_trailing_commas(text: str):
    read(text)
    with pytest.raises(ValidationError):
        read(text, comments=False)


@pytest.mark.parametrize("text", ["[]", "1", '"x"', '{"mcpServers": []}', '{"mcpServers": null}'])
def test_something_else_on_the_way_is_refused(text: str):
    with pytest.raises(ValidationError):
        put(text, PATH, ENTRY)


def test_a_file_that_is_nested_without_end_is_refused():
    with pytest.raises(ValidationError, match=str(MAX_DEPTH)):
        read("[" * 100_000)


@given(text=objects)
def test_a_reader_that_knows_no_comments_reads_what_json_reads(text: str):
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(ValidationError):
            json_text.read(text, comments=False)
    else:
        assert json_text.read(text, comments=False).value == value
