"""ChatGPT's account export: `conversations.json` (or `conversations-000.json` …) in its zip.

No document of OpenAI describes it; this follows what exporters and importers agree on (basic-memory
0.22.1, convoviz, chatgpt-export-parser): an array of conversations (`conversation_id`, `title`,
`create_time`, `mapping`, `current_node`); `mapping` is a tree of nodes (`message`, `parent`,
`children`), since a question may be asked and answered anew. Between U+E200 and U+E201 stands what
its web page shows in another way: a citation, a list of links, a name. Invariant: the branch that
the user kept is read, root first; other branches, hidden messages and thoughts are counted and left
out.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from elephantasm_mcp.memory.formats.arrays import read_array
from elephantasm_mcp.memory.formats.items import (
    Item,
    Passed,
    Rejected,
    cut,
    found,
    key,
    moment,
    text_of,
)
from elephantasm_mcp.memory.formats.parts import Part
from elephantasm_mcp.types.records import EventType

SOURCE: Final = "chatgpt"
_HIDDEN: Final = "is_visually_hidden_from_conversation"
_THOUGHTS: Final = frozenset({"thoughts", "reasoning_recap"})
_ALL: Final = "all"
"""The recipient of what is said to the user; any other is a tool."""
_MARK: Final = re.compile(" ?\ue200([^\ue200\ue201]*)\ue201")
_WITHIN: Final = "\ue202"


def read_chatgpt(part: Part) -> Iterator[Item]:
    """The messages of each conversation, in their order; positions are bytes."""
    for place, position, chat in read_array(part, name="conversation", keys=("conversations",)):
        if isinstance(chat, Rejected):
            yield chat
        elif not isinstance(chat.get("mapping"), dict):
            yield Rejected(place, position, "It has no `mapping` of messages.")
        else:
            yield from _conversation(chat, place=place, position=position)


def _conversation(chat: dict[str, Any], *, place: str, position: int) -> Iterator[Item]:
    nodes: dict[str, Any] = chat["mapping"]
    kept = _branch(nodes, text_of(chat.get("current_node")))
    at = moment(chat.get("create_time"))
    for number, id_ in enumerate(kept, start=1):
        message = nodes[id_].get("message")
        if isinstance(message, dict):
            within = f"{place}, message {number}"
            at = moment(message.get("create_time")) or at  # some have none
            yield _message(chat, message, at, id_=id_, place=within, position=position)
    others = sum(
        isinstance(node, dict) and bool(node.get("message"))
        for id_, node in nodes.items()
        if id_ not in kept
    )
    if others:
        yield Passed(place, position, "messages of branches that were given up", others)


def _branch(nodes: dict[str, Any], leaf: str) -> dict[str, None]:
    """The ids of the nodes from the root to the leaf; of all in their order without a leaf."""
    if not isinstance(nodes.get(leaf), dict):
        return {id_: None for id_, node in nodes.items() if isinstance(node, dict)}
    path: dict[str, None] = {}
    at = leaf
    while at not in path and isinstance(nodes.get(at), dict):
        path[at] = None
        at = text_of(nodes[at].get("parent"))
    return dict.fromkeys(reversed(path))


def _message(
    chat: dict[str, Any],
    message: dict[str, Any],
    at: datetime | None,
    *,
    id_: str,
    place: str,
    position: int,
) -> Item:
    author = message.get("author")
    author = author if isinstance(author, dict) else {}
    role = text_of(author.get("role"))
    left_out = _left_out(message, role)
    if left_out:
        return Passed(place, position, left_out)
    text = _text(message.get("content"))
    if not text:
        return Passed(place, position, "messages without words")
    event_type = _type(role, text_of(message.get("recipient")) or _ALL)
    session = text_of(chat.get("conversation_id")) or text_of(chat.get("id"))
    title = text_of(chat.get("title"))
    group = tuple(filter(None, (session, title)))
    if event_type is None:
        reason = "Its author is not user, assistant, tool or system."
        return Rejected(place, position, reason, group)
    if event_type is EventType.TOOL_RESULT:
        text = f"{text_of(author.get('name')) or 'tool'}: {cut(text)}"
    elif event_type is EventType.TOOL_CALL:
        text = f"{text_of(message.get('recipient'))}: {cut(text)}"
    fields = {
        "content": text,
        "event_type": event_type,
        "session_id": session,
        "occurred_at": at,
        "meta": {"source": SOURCE} | ({"conversation": title} if title else {}),
        "dedupe_key": key(SOURCE, text_of(message.get("id")) or f"{session} {id_}"),
    }
    return found(fields, place=place, position=position, group=group)


def _left_out(message: dict[str, Any], role: str) -> str | None:
    """What kind of message it is, if one that nobody said aloud."""
    meta, content = message.get("metadata"), message.get("content")
    if role == "system" or (isinstance(meta, dict) and meta.get(_HIDDEN)):
        return "hidden messages"
    if isinstance(content, dict) and content.get("content_type") in _THOUGHTS:
        return "thoughts of the model"
    return None


def _type(role: str, recipient: str) -> EventType | None:
    match role:
        case "user":
            return EventType.MESSAGE_IN
        case "assistant":
            return EventType.MESSAGE_OUT if recipient == _ALL else EventType.TOOL_CALL
        case "tool":
            return EventType.TOOL_RESULT
        case _:
            return None


def _text(content: object) -> str:
    """The words of a content: of its parts (of which images have none), or its text or result."""
    if not isinstance(content, dict):
        return ""
    parts = content.get("parts")
    if isinstance(parts, list):
        said = [
            text_of(one.get("text")) if isinstance(one, dict) else text_of(one) for one in parts
        ]
        return _plain("\n\n".join(filter(None, said)))
    return _plain(text_of(content.get("text")) or text_of(content.get("result")))


def _plain(text: str) -> str:
    """A text without marks for the web page; of a name or a link, its words stay."""
    return _MARK.sub(_shown, text).strip()


def _shown(mark: re.Match[str]) -> str:
    kind, _, rest = mark[1].partition(_WITHIN)
    match kind:
        case "entity":
            words = _name(rest)
        case "url":
            words = rest.partition(_WITHIN)[0]
        case _:
            words = ""
    return f"{' ' if mark[0].startswith(' ') else ''}{words}" if words else ""


def _name(entity: str) -> str:
    """What `["city","Porto","in Portugal"]` names; some stand there by themselves."""
    try:
        parts = json.loads(entity)
    except (ValueError, RecursionError):
        return entity
    return text_of(parts[1]) if isinstance(parts, list) and len(parts) > 1 else ""
