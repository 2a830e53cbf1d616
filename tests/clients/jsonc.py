"""Random JSON as people write it: with comments, trailing commas and white space of all kinds."""

import json

from hypothesis import strategies as st

BLANKS = ("", " ", "\n", "\n\n", "\t", "\n    ", "  \n  ", "\r\n")
COMMENTS = (
    "// why\n",
    '  // trailing, {not} [a] "value"\n',
    "/* note */",
    "/* two\n lines } */",
    " /**/ ",
)
KEYS = ("a", "b", 'key with "quotes"', "ключ", "//", "mcpServers2")
WORDS = ("", "x", "http://example.org", "/* no comment */", "},\n", "\\", "é", "\u2028")

gaps = st.lists(st.sampled_from(BLANKS + COMMENTS), max_size=2).map("".join)
tight = st.sampled_from(BLANKS)
scalars = st.one_of(
    st.sampled_from(WORDS).map(json.dumps),
    st.sampled_from(WORDS).map(lambda word: json.dumps(word, ensure_ascii=False)),
    st.sampled_from(("true", "false", "null", "0", "-1.5e3")),
)


@st.composite
def containers(draw: st.DrawFn, inner: st.SearchStrategy[str], *, mark: str) -> str:
    """An object or an array of some values."""
    entries = draw(st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=3))
    parts = [draw(gaps)]
    for place, (key, value) in enumerate(entries):
        head = f"{json.dumps(key)}{draw(tight)}:{draw(gaps)}" if mark == "{}" else ""
        last = place == len(entries) - 1
        comma = "," if not last or draw(st.booleans()) else ""
        parts.append(f"{head}{value}{draw(gaps)}{comma}{draw(gaps)}")
    return mark[0] + "".join(parts) + mark[1]


values = st.recursive(
    scalars,
    lambda inner: st.one_of(containers(inner, mark="{}"), containers(inner, mark="[]")),
    max_leaves=6,
)
objects = containers(values, mark="{}")


@st.composite
def documents(draw: st.DrawFn, section: str) -> str:
    """A document that has the section, whatever is in it."""
    before = draw(st.lists(values, max_size=2))
    members = [f"{json.dumps(KEYS[place])}:{draw(gaps)}{one}" for place, one in enumerate(before)]
    members.insert(draw(st.integers(0, len(members))), f"{json.dumps(section)}: {draw(objects)}")
    text = draw(gaps) + "{" + draw(gaps)
    for place, member in enumerate(members):
        comma = "," if place < len(members) - 1 or draw(st.booleans()) else ""
        text += member + draw(gaps) + comma + draw(gaps)
    return text + "}" + draw(gaps)
