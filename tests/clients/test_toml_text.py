"""TOML as text: a table comes and goes, and nothing else moves."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elephantasm_mcp.clients.toml_text import at, put, take_out
from elephantasm_mcp.errors import ValidationError

PATH = ("mcp_servers", "elephantasm")
ENTRY = {"command": 'C:\\a "b"', "args": ["--x", "é\x7f"], "env": {"A": "b", "key.with dots": "c"}}
PIECES = (
    "# a comment\n",
    "\n",
    "[tui] # how it looks\ntheme = 'dark'\n",
    '[mcp_servers.docs]\ncommand = "npx"\n\n',
    'text = """\n[mcp_servers.elephantasm]\ncommand = "no"\n"""\n',
    "lines = '''\n[x]\n'''\n",
    "list = [\n  1, # one\n  [2, 3],\n]\n",
    '[[projects]]\npath = "/a#b"\n',
    '[mcp_servers.docs.env]\nA = "[mcp_servers.elephantasm]"\n',
)
documents = st.tuples(
    st.lists(st.sampled_from(PIECES), max_size=6, unique=True).map("".join),
    st.sampled_from(("", "last = 1", "# end", "\n\n")),
    st.booleans(),
).map(lambda parts: (parts[0] + parts[1]).replace("\n", "\r\n" if parts[2] else "\n"))


def is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@given(text=documents.filter(is_toml))
def test_what_was_put_in_is_taken_out_to_the_byte(text: str):
    made = put(text, PATH, ENTRY)
    assert at(made, PATH) == ENTRY
    assert made.startswith(text)
    assert put(made, PATH, ENTRY) == made
    assert take_out(made, PATH) == text


def test_an_entry_of_several_tables_is_replaced_where_it_stood():
    text = (
        'a = 1\n\n[mcp_servers.elephantasm]\ncommand = "old"\n\n'
        '[mcp_servers.elephantasm.env]\nX = "1"\n\n# mine\n[z]\nq = 1\n'
    )
    assert put(text, PATH, {"command": "new"}) == (
        'a = 1\n\n[mcp_servers.elephantasm]\ncommand = "new"\n\n# mine\n[z]\nq = 1\n'
    )
    assert take_out(text, PATH) == "a = 1\n\n# mine\n[z]\nq = 1\n"


def test_what_is_not_there_is_not_taken_out():
    assert take_out("a = 1\n", PATH) == "a = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "[mcp_servers",
        "mcp_servers = 1",
        'mcp_servers = { docs = { command = "npx" } }',
        'mcp_servers.elephantasm.command = "x"',
    ],
)
def test_what_is_no_toml_or_not_written_as_a_table_is_refused(text: str):
    with pytest.raises(ValidationError):
        put(text, PATH, ENTRY)


def test_an_entry_in_an_inline_table_is_not_taken_out():
    with pytest.raises(ValidationError, match="not written as a table"):
        take_out('mcp_servers = { elephantasm = { command = "x" } }', PATH)
