"""YAML as text: an entry of a top-level mapping that is put in or taken out, the rest as it was.

Owns where the entries of such a mapping stand, as PyYAML's composer says. Invariant: what was put
in by `put` is taken out by `take_out` to the byte where the mapping was there before.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

from elephantasm_mcp.clients.json_text import JsonValue
from elephantasm_mcp.errors import ValidationError

_INDENT: Final = "  "


def at(text: str, path: Sequence[str]) -> JsonValue:
    """The value at `path`; None if there is none.

    Raises:
        ValidationError: it is no YAML, or no mapping.
    """
    _compose(text)
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(error) from None
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def put(text: str, path: Sequence[str], value: dict[str, JsonValue]) -> str:
    """The text with `value` as an entry of a top-level mapping: `path` is the mapping and the name.

    Raises:
        ValidationError: it is no YAML, or not written in a form that is changed here.
    """
    section, name = path
    if at(text, path) == value:
        return text
    pair = _pair(_compose(text), section)
    mapping = None if pair is None else _mapping(pair[1], section)
    own = _pair(mapping, name)
    newline = "\r\n" if "\r\n" in text else "\n"
    if mapping is not None and own is not None:
        made = _replace(text, mapping, own, value, newline)
    elif pair is None:
        lines = [f"{section}:", *_entry(name, value, indent=_INDENT)]
        gap = "" if not text or text.endswith("\n") else newline
        made = text + gap + newline.join(lines) + newline
    else:
        made = _insert(text, pair, section, name, value, newline)
    if at(made, path) != value:
        raise _unusual(section)
    return made


def take_out(text: str, path: Sequence[str]) -> str:
    """The text without that entry; the same if it is not there.

    Raises:
        ValidationError: it is no YAML, or not written in a form that is changed here.
    """
    section, name = path
    pair = _pair(_compose(text), section)
    own = None if pair is None else _pair(_mapping(pair[1], section), name)
    if pair is None or own is None:
        return text
    mapping = _mapping(pair[1], section)
    assert mapping is not None  # noqa: S101 - `own` is in it
    made = _remove(text, mapping, own)
    if at(made, path) is not None:
        raise _unusual(section)
    return made


def take_out_empty(text: str, key: str) -> str:
    """The text without that mapping at its top if nothing is in it, nor behind it on its line.

    Raises:
        ValidationError: it is no YAML, or no mapping.
    """
    line = re.compile(rf"^{re.escape(key)}: \{{\}}[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
    made = line.sub("", text, count=1)
    return made if at(text, (key,)) == {} and at(made, (key,)) is None else text


Pair = tuple[yaml.Node, yaml.Node]


def _compose(text: str) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(error) from None
    except RecursionError:
        raise ValidationError("It is nested too deeply.") from None
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise ValidationError("It is no mapping of names to values.")
    return node


def _wrong(error: Exception) -> ValidationError:
    mark = getattr(error, "problem_mark", None)
    where = f": line {mark.line + 1} cannot be read" if mark is not None else ""
    return ValidationError(f"It is no YAML{where}.")


def _unusual(section: str) -> ValidationError:
    return ValidationError(f"{section} is not written as usual there, and is left as it is.")


def _pair(mapping: yaml.MappingNode | None, name: str) -> Pair | None:
    pairs: Sequence[Pair] = mapping.value if mapping is not None else ()
    return next((one for one in pairs if one[0].value == name), None)


def _mapping(node: yaml.Node, section: str) -> yaml.MappingNode | None:
    """A section's mapping; None where nothing is written in it."""
    if isinstance(node, yaml.MappingNode):
        return node
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        return None
    raise ValidationError(f"{section} is no mapping there.")


def _entry(name: str, value: dict[str, JsonValue], *, indent: str) -> Iterator[str]:
    """An entry as lines; JSON's values are YAML's, on one line each."""
    yield f"{indent}{name}:"
    for key, one in value.items():
        yield f"{indent}{_INDENT}{key}: {json.dumps(one, ensure_ascii=False)}"


def _insert(
    text: str,
    pair: Pair,
    section: str,
    name: str,
    value: dict[str, JsonValue],
    newline: str,
) -> str:
    key, node = pair
    mapping = _mapping(node, section)
    if mapping is not None and mapping.flow_style:
        at_ = mapping.start_mark.index + 1
        entry = f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        return text[:at_] + entry + (", " if mapping.value else "") + text[at_:]
    if mapping is None and node.start_mark.index < node.end_mark.index:
        raise _unusual(section)  # a null that is written out
    indent = " " * mapping.start_mark.column if mapping is not None else _INDENT
    end = text.find("\n", key.end_mark.index)
    lines = newline.join(_entry(name, value, indent=indent))
    if end < 0:
        return text + newline + lines
    return text[: end + 1] + lines + newline + text[end + 1 :]


def _replace(
    text: str, mapping: yaml.MappingNode, own: Pair, value: dict[str, JsonValue], newline: str
) -> str:
    key, node = own
    if mapping.flow_style:
        rendered = json.dumps(value, ensure_ascii=False)
        return text[: node.start_mark.index] + rendered + text[node.end_mark.index :]
    start, end = _lines_of(text, own)
    block = newline.join(_entry(key.value, value, indent=" " * key.start_mark.column))
    return text[:start] + block + (newline + text[end:] if end else "")


def _lines_of(text: str, own: Pair) -> tuple[int, int]:
    """Where the lines of an entry begin, and where the next one begins; 0 if there is none."""
    key, node = own
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    return start, text.find("\n", _last_character(node)) + 1


def _remove(text: str, mapping: yaml.MappingNode, own: Pair) -> str:
    key, node = own
    if mapping.flow_style:
        start, end = key.start_mark.index, node.end_mark.index
        if text.startswith(", ", end):
            end += 2
        elif mapping.value[0][0] is not key:
            start = text.rindex(",", 0, start)
        return text[:start] + text[end:]
    start, end = _lines_of(text, own)
    if len(mapping.value) == 1 and text[:start].rstrip().endswith(":"):
        before = text[:start].rstrip()
        return before + " {}" + text[len(before) : start] + (text[end:] if end else "")
    if not end:
        return text[: max(start - 1, 0)]
    return text[:start] + text[end:]


def _last_character(node: yaml.Node) -> int:
    """The last character of a value; a block's own end is where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_character(last[1] if isinstance(last, tuple) else last)
    return max(node.end_mark.index - 1, 0)
