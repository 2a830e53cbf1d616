"""Claude's account export: the `conversations.json` of claude.ai, also inside its zip.

No document of Anthropic describes it; this follows what its importers agree on (basic-memory
0.22.1, polylogue): an array of conversations (`uuid`, `name`, `created_at`, `chat_messages`), of
messages (`uuid`, `sender` human or assistant, `created_at`, `text`, `content`, `attachments`), of
blocks (`type` text, thinking, tool_use, tool_result). By `parent_message_uuid`, where it is there,
messages are a tree: a prompt that is edited has the parent of the earlier one. Invariant: words of
the user and of Claude keep their times and are told; what a tool or an attached file said is
reported; branches that were given up, projects and Claude's own memories are counted and left out.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final

from elephantasm_mcp.memory.formats.arrays import read_array
from elephantasm_mcp.memory.formats.items import (
    Item,
    Passed,
    Rejected,
    compact,
    cut,
    found,
    key,
    moment,
    text_of,
)
from elephantasm_mcp.memory.formats.parts import Part
from elephantasm_mcp.types.records import EventType

SOURCE: Final = "claude"
_SENDERS: Final = {"human": EventType.MESSAGE_IN, "assistant": EventType.MESSAGE_OUT}
_THOUGHTS: Final = "thoughts of the model"
CHATS: Final = "conversations.json"
ASIDE: Final = {
    "projects.json": "projects",
    "projects/*.json": "projects",
    "memories.json": "memories that Claude made",
    "memories/*.json": "memories that Claude made",
}
"""Files of an export that are left out, and what each of their objects is."""
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def read_claude(part: Part) -> Iterator[Item]:
    """The messages of each conversation, in their order; positions are bytes."""
    path = PurePosixPath(part.name)
    aside = next((what for name, what in ASIDE.items() if path.match(name)), None)
    if aside is not None and path.name != CHATS:
        for place, position, _ in read_array(part, name="object"):
            yield Passed(place, position, aside)
        return
    for place, position, chat in read_array(part, name="conversation", keys=("conversations",)):
        if isinstance(chat, Rejected):
            yield chat
        elif not isinstance(chat.get("chat_messages"), list):
            yield Rejected(place, position, "It has no `chat_messages`.")
        else:
            yield from _conversation(chat, place=place, position=position)


def _conversation(chat: dict[str, Any], *, place: str, position: int) -> Iterator[Item]:
    messages: list[Any] = chat["chat_messages"]
    names = tuple(filter(None, (text_of(chat.get("uuid")), text_of(chat.get("name")))))
    given_up = _given_up(messages, text_of(chat.get("current_leaf_message_uuid")))
    for number, message in enumerate(messages, start=1):
        within = f"{place}, message {number}"
        if number in given_up:
            yield Passed(within, position, "messages of branches that were given up")
        elif isinstance(message, dict):
            yield from _Message(chat, message, names, within, position).items()
        else:
            yield Rejected(within, position, "It is no JSON object.", names)


def _given_up(messages: Sequence[object], leaf: str) -> set[int]:
    """The numbers of messages in other branches than that of the leaf; else, of the newest one.

    Nothing is given up of an export that names no parents.
    """
    ids, parents, times = dict[str, int](), dict[int, str](), dict[int, datetime]()
    for number, one in enumerate(messages, start=1):
        if isinstance(one, dict) and (id_ := text_of(one.get("uuid"))):
            ids[id_] = number
            parents[number] = text_of(one.get("parent_message_uuid"))
            times[number] = moment(one.get("created_at")) or _LONG_AGO
    continued, given_up = set[str](), set[int]()
    leaves = parents.keys() - {ids.get(parent) for parent in parents.values()}
    for at in sorted(leaves, key=lambda one: (one == ids.get(leaf), times[one], one), reverse=True):
        branch, number = list[int](), at
        while number:
            branch.append(number)
            if parents[number] in continued:
                given_up.update(branch)
                break
            if parents[number]:
                continued.add(parents[number])
            number = ids.get(parents[number], 0)
    return given_up


class _Message:
    """One message, on its way to events."""

    def __init__(
        self,
        chat: dict[str, Any],
        message: dict[str, Any],
        names: tuple[str, ...],
        place: str,
        position: int,
    ) -> None:
        self._chat = chat
        self._message = message
        self._names = names
        self._place = place
        self._position = position

    def items(self) -> Iterator[Item]:
        """What it says, then what was attached, each as an event."""
        event_type = _SENDERS.get(text_of(self._message.get("sender")))
        if event_type is None:
            reason = "Its `sender` is not human or assistant."
            yield Rejected(self._place, self._position, reason, self._names)
            return
        yield from self._attached()
        blocks = self._message.get("content")
        if not isinstance(blocks, list) or not blocks:
            blocks = [{"type": "text", "text": self._message.get("text")}]
        silent = True
        for first, kind, run in _runs(blocks):
            for one in self._text(run, first, event_type) if kind == "text" else self._tool(run[0]):
                silent = False
                yield one
        if silent:
            yield Passed(self._place, self._position, "messages without words")

    def _text(
        self, blocks: list[dict[str, Any]], first: int, event_type: EventType
    ) -> Iterator[Item]:
        text = "\n\n".join(filter(None, (text_of(one.get("text")) for one in blocks)))
        if text:
            yield self._event(text, event_type, number=first)

    def _tool(self, block: dict[str, Any]) -> Iterator[Item]:
        name, number = text_of(block.get("name")) or "tool", text_of(block.get("id"))
        match block.get("type"):
            case "tool_use":
                text = f"{name}: {compact(block.get('input'))}"
                yield self._event(text, EventType.TOOL_CALL, number=f"call {number or text}")
            case "tool_result":
                if text := _result(block.get("content")):
                    number = text_of(block.get("tool_use_id")) or text
                    content = f"{name}: {text}"
                    yield self._event(content, EventType.TOOL_RESULT, number=f"result {number}")
            case "thinking":
                yield Passed(self._place, self._position, _THOUGHTS)
            case _:
                pass

    def _attached(self) -> Iterator[Item]:
        attachments = self._message.get("attachments")
        for number, one in enumerate(attachments if isinstance(attachments, list) else []):
            if isinstance(one, dict) and (text := text_of(one.get("extracted_content"))):
                name = text_of(one.get("file_name")) or "a file"
                yield self._event(
                    f"{name}:\n{cut(text)}",
                    EventType.MESSAGE_IN,
                    number=f"attachment {number}",
                    source_uri=f"attachment:{name}",
                )

    def _event(
        self,
        content: str,
        event_type: EventType,
        *,
        number: int | str,
        source_uri: str | None = None,
    ) -> Item:
        session = text_of(self._chat.get("uuid"))
        id_ = text_of(self._message.get("uuid")) or f"{session} {self._place}"
        written, title = self._message.get("created_at"), text_of(self._chat.get("name"))
        fields = {
            "content": content,
            "event_type": event_type,
            "session_id": session,
            "occurred_at": moment(written) or moment(self._chat.get("created_at")),
            "meta": {"source": SOURCE} | ({"conversation": title} if title else {}),
            "source_uri": source_uri,
            "dedupe_key": key(SOURCE, id_, number),
        }
        return found(fields, place=self._place, position=self._position, group=self._names)


def _runs(blocks: list[Any]) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """Neighbouring texts together, each other block by itself, with the number of the first."""
    run: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        if block.get("type") == "text":
            run.append(block)
            continue
        if run:
            yield number - len(run), "text", run
        run = []
        yield number, "other", [block]
    if run:
        yield len(blocks) - len(run), "text", run


def _result(content: object) -> str:
    """What a tool answered: a text, or a list of blocks of which some are texts."""
    if isinstance(content, list):
        texts = [text_of(one.get("text")) for one in content if isinstance(one, dict)]
        return cut("\n".join(filter(None, texts)))
    return cut(text_of(content))
