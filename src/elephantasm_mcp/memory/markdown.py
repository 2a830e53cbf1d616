"""Markdown: what animas hold, as pages for people.

Owns what stands on which page and how pages link to each other. Opens no file; the rows are those
of an archive. Invariant: remembered text is escaped, so it can neither pose as structure nor link.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.pure.markdown import file_name, inline, quoted
from elephantasm_mcp.store import animas, archive
from elephantasm_mcp.store.values import from_micros
from elephantasm_mcp.types.archive import Raw
from elephantasm_mcp.types.records import AnimaNo, User

Put: TypeAlias = Callable[[str, str], object]
"""Takes the name of a page, and what comes next on it."""

INDEX: Final = "README.md"
_LETTERS: Final = {"event": "e", "memory": "m", "knowledge": "k", "identity": "i", "conflict": "c"}
_VALID: Final = (("valid_from", "since"), ("valid_until", "until"))


@dataclass(slots=True)
class Rendered:
    """What was written."""

    animas: list[str] = field(default_factory=list)
    pages: int = 0


async def render(core: Core, user: User, chosen: Sequence[AnimaNo] | None, put: Put) -> Rendered:
    """Write pages of these animas, or of all that the user sees, from one state of them.

    Raises:
        StorageError: the database cannot be read.
    """
    return await core.database.read(_render, user, chosen, put)


def _render(tx: Tx, user: User, chosen: Sequence[AnimaNo] | None, put: Put) -> Rendered:
    done = Rendered()
    folders: set[str] = set()
    put(INDEX, "# Memory\n\n")
    for one in animas.list_for(tx, user):
        if chosen is not None and one.anima_no not in chosen:
            continue
        folder = file_name(one.anima.name, taken=folders)
        folders.add(folder)
        put(INDEX, f"- [{inline(one.anima.name)}]({folder}/{INDEX})\n")
        pages = _Pages(folder, put)
        for line in archive.lines(tx, archive.place_of(tx, one.anima_no, user_no=one.user_no)):
            pages.take(line)
        pages.finish()
        done.animas.append(one.anima.name)
        done.pages += len(pages.begun)
    done.pages += 1
    return done


class _Pages:
    """The pages of one anima on their way."""

    def __init__(self, folder: str, put: Put) -> None:
        self._folder = folder
        self._put = put
        self._anima: Raw = {}
        self._homes: dict[str, dict[int, str]] = {"event": {}, "memory": {}, "knowledge": {}}
        """On which page each row stands, so that others can link to it."""
        self._sessions: dict[str, str | None] = {}
        self._counts: Counter[str] = Counter()
        self._changing = 0
        """The dream whose changes are being told."""
        self._takers: Mapping[str, Callable[[Raw], None]] = {
            "anima": self._know,
            "event": self._event,
            "memory": self._memory,
            "knowledge": self._knowledge,
            "identity": self._identity,
            "conflict": self._conflict,
            "dream": self._journal,
            "action": self._action,
        }
        self.begun: dict[str, str] = {}
        """The titles of the pages."""

    def take(self, line: Raw) -> None:
        """Put a row on its page."""
        if line["kind"] in self._takers:
            self._takers[line["kind"]](line)

    def finish(self) -> None:
        """Write the page that leads to all others."""
        put = self._start(INDEX, inline(self._anima["name"]))
        if self._anima["description"]:
            put(f"{inline(self._anima['description'])}\n\n")
        counts = (counted(self._counts[kind], kind) for kind in ("event", "dream"))
        put(f"{', '.join(counts)}. Times are in UTC.\n\n")
        for page, title in self.begun.items():
            if page != INDEX:
                put(f"- [{title}]({page})\n")

    def _know(self, line: Raw) -> None:
        self._anima = line

    def _event(self, line: Raw) -> None:
        day = _day(line["occurred_at"])
        page = self._home("event", line["no"], f"events/{day}.md")
        put = self._start(page, f"Events of {day}")
        self._counts["event"] += 1
        session = line["session_id"]
        if self._sessions.get(page, "") != session:
            self._sessions[page] = session
            put(f"## {'Session ' + inline(session) if session else 'Without a session'}\n\n")
        who = inline(line["author"] or line["role"] or line["event_type"])
        put(f"{_anchor('e', line['no'])} {_minute(line['occurred_at'])}, {who}")
        put(" (reported by an outside source)" if line["trust"] == "reported" else "")
        put(f":\n\n{quoted(line['content'])}\n\n")

    def _memory(self, line: Raw) -> None:
        row, month = line["row"], _month(line["row"]["time_end"])
        page = self._home("memory", line["no"], f"memories/{month}.md")
        put = self._start(page, f"Memories of {month}")
        put(f"{_anchor('m', line['no'])} {_day(row['time_start'])}, {_standing(row, 'm')}\n\n")
        put(f"{quoted(row['content'])}\n\n{self._sources(page, row)}\n\n")

    def _knowledge(self, line: Raw) -> None:
        row, kind = line["row"], line["row"]["type"].lower()
        page = self._home("knowledge", line["no"], f"knowledge/{kind}.md")
        put = self._start(page, f"Knowledge: {kind}")
        put(f"- {_anchor('k', line['no'])} {inline(row['content'])} ({_standing(row, 'k')}")
        put(
            "".join(f"; {verb} {_day(row[name])}" for name, verb in _VALID if row[name] is not None)
        )
        put(f"; {self._sources(page, row)})\n")

    def _identity(self, line: Raw) -> None:
        row = line["row"]
        put = self._start("identity.md", "Identity")
        put(f"## Version {row['version']}, {_day(row['created_at'])}\n\n{quoted(row['prose'])}\n\n")

    def _conflict(self, line: Raw) -> None:
        row = line["row"]
        letter = _LETTERS[row["of_layer"]]
        names = [f"{letter}{row[name]}" for name in ("first_id", "second_id")]
        put = self._start("questions.md", "Questions")
        put(f"- {' and '.join(names)} ({inline(row['state'])}): {inline(row['question'])}\n")

    def _journal(self, line: Raw) -> None:
        month = _month(line["started_at"])
        self._counts["dream"] += 1
        put = self._start(f"journal/{month}.md", f"Journal of {month}")
        undone = f"; taken back by d{line['undone_by']}" if line["undone_by"] else ""
        undoes = f"; takes back d{line['undoes']}" if line["undoes"] else ""
        at = f"{_day(line['started_at'])} {_minute(line['started_at'])}"
        put(f"- {_anchor('d', line['no'])} {at}, ")
        put(f"{inline(line['phase'])} by {inline(line['actor'])}{undoes}{undone}\n")

    def _action(self, line: Raw) -> None:
        month = _month(line["at"])
        page = f"journal/{month}-changes.md"
        put = self._start(page, f"Changes of {month}")
        if self._changing != line["dream"]:
            self._changing = line["dream"]
            put(f"\n## d{line['dream']}\n\n")
        put(f"- {inline(line['operation'])} {self._link(page, line['layer'], line['no'])}")
        put(f": {inline(line['reasoning'])}\n" if line["reasoning"] else "\n")

    def _start(self, page: str, title: str) -> Callable[[str], object]:
        """Begin a page where it is new; what is returned puts text on it."""
        path = f"{self._folder}/{page}"
        if page not in self.begun:
            self.begun[page] = title
            self._put(path, f"# {title}\n\n")
        return lambda text: self._put(path, text)

    def _home(self, kind: str, number: int, page: str) -> str:
        self._homes[kind][number] = page
        return page

    def _sources(self, page: str, row: Raw) -> str:
        made_of = dict.fromkeys((layer, number) for layer, number, _ in row["links"])
        shown = ", ".join(self._link(page, layer, number) for layer, number in made_of)
        return f"from {shown}" if shown else "without sources"

    def _link(self, page: str, layer: str, number: int) -> str:
        """The handle of a row, as a link where its page is known."""
        handle = f"{_LETTERS[layer]}{number}"
        home = self._homes.get(layer, {}).get(number)
        if home is None:
            return handle
        up = "../" if "/" in page else ""
        return f"[{handle}]({up}{home}#{handle})"


def _anchor(letter: str, number: int) -> str:
    """A place on a page that links lead to, and its name."""
    return f'<a id="{letter}{number}"></a>**{letter}{number}**'


def _standing(row: Raw, letter: str) -> str:
    """Whether a row still holds."""
    if row["superseded_by"] is not None:
        return f"replaced by {letter}{row['superseded_by']}"
    if row.get("archived") or row.get("state") == "archived":
        return "archived"
    return "pinned" if row["pinned"] else "provisional" if row["provisional"] else "holds"


def _day(micros: int) -> str:
    return f"{from_micros(micros):%Y-%m-%d}"


def _month(micros: int) -> str:
    return f"{from_micros(micros):%Y-%m}"


def _minute(micros: int) -> str:
    return f"{from_micros(micros):%H:%M}"
