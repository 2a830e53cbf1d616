"""What a check-up found: facts, and findings with their remedies.

Owns the forms. Looks at nothing. Invariant: a finding says in one sentence what is so and in one
line what to do; only what is wrong makes the check-up fail.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from elephantasm_mcp.clients.feeds import Feed
from elephantasm_mcp.clients.survey import Surveyed
from elephantasm_mcp.errors import ElephantasmError
from elephantasm_mcp.memory.selftest import SelfTest
from elephantasm_mcp.ports import DatabaseHealth
from elephantasm_mcp.store.calls import ModelCalls
from elephantasm_mcp.store.jobs import WorkerRow

REPORT: Final = "Please report it, with what `doctor --json` says."


class Severity(StrEnum):
    """How much a finding matters."""

    WRONG = "wrong"
    """Something does not work, or is not what it must be: the exit code is 1."""
    ADVICE = "advice"
    """All works, and could be better or safer."""
    FIXED = "fixed"
    """It was wrong, and `--fix` put it right."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know, with what to do."""

    area: str
    """What it is about: `database`, `models`, `files`, …."""
    severity: Severity
    text: str
    remedy: str = ""
    """What to do or to run, in one line."""
    fixable: bool = False
    """Whether `doctor --fix` can do that."""

    def explain(self) -> str:
        """The sentence and, behind it, what to do."""
        return f"{self.text} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it holds now."""

    variable: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class EmbedderRow:
    """One embedder that the settings ask for."""

    role: str
    name: str
    dimensions: int
    ready: bool
    load_ms: int
    """What loading it took, its check-sums included."""


@dataclass(frozen=True, slots=True)
class AnimaRow:
    """What an anima holds, and what waits in it."""

    name: str
    events: int
    memories: int
    knowledge: int
    dreams: int
    unindexed: int
    """Rows that the next search or pack will index first."""
    pending_events: int
    score: float
    threshold: float
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job of the background task."""

    anima: str
    kind: str
    state: str
    age_s: float
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of the database, or a copy beside it."""

    name: str
    size_bytes: int
    mode: str
    """As `ls` would have it in numbers: `600`."""


@dataclass(slots=True)
class Checkup:
    """Everything that `doctor` knows."""

    versions: dict[str, str]
    settings: list[SettingRow] = field(default_factory=list)
    server: str = ""
    """How the server is, where the settings name one: then nothing here is looked at."""
    database: DatabaseHealth | None = None
    """None where it cannot be opened, or is not there yet."""
    database_note: str = ""
    files: list[FileRow] = field(default_factory=list)
    disk_free_bytes: int | None = None
    backed_up_at: datetime | None = None
    """When `backup` last made a copy; None: never."""
    embedders: list[EmbedderRow] = field(default_factory=list)
    mode: str = ""
    """The models that searches will use."""
    live: list[str] = field(default_factory=list)
    """What providers answered; empty unless they were to be asked."""
    animas: list[AnimaRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    queue_age_s: float | None = None
    """How long the longest-waiting job has been due."""
    recall: list[SelfTest] = field(default_factory=list)
    """How much of each anima can be found; empty unless that was asked."""
    writer: str = ""
    """Who makes memories: a language model, the connected agent, or nobody but ourselves."""
    calls: list[ModelCalls] = field(default_factory=list)
    """What each language model was asked so far, all animas together."""
    tokens_today: int = 0
    """What counts against the day's budget."""
    daily_tokens: int = 0
    keys: int = 0
    """API keys that open something."""
    keys_made: int = 0
    """All of them, with those that were revoked or have expired."""
    issuer: str = ""
    """Whose tokens the HTTP server takes."""
    workers: list[WorkerRow] = field(default_factory=list)
    """The background tasks of the servers that are running."""
    clients: list[Surveyed] = field(default_factory=list)
    """The clients that were told of this server, and whether what they start answers."""
    hooks: list[Feed] = field(default_factory=list)
    """The clients that have hooks, and whether they call ours."""
    diary: list[str] = field(default_factory=list)
    """What hooks could not do lately."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What is wrong, with its remedy, in plain words."""
        return [one.explain() for one in self.findings if one.severity is Severity.WRONG]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def add(self, finding: Finding) -> None:
        """Note a finding, once."""
        if finding not in self.findings:
            self.findings.append(finding)

    def wrong(self, area: str, text: str, remedy: str = "", *, fixable: bool = False) -> None:
        """Note that something is wrong."""
        self.add(Finding(area, Severity.WRONG, text, remedy, fixable))

    def advise(self, area: str, text: str, remedy: str = "") -> None:
        """Note what could be better."""
        self.add(Finding(area, Severity.ADVICE, text, remedy))

    def fixed(self, area: str, text: str) -> None:
        """Note what was put right."""
        self.add(Finding(area, Severity.FIXED, text))

    @contextmanager
    def noting(self, area: str) -> Generator[None, None, None]:
        """Whatever fails in this block is a finding, and ends nothing but the block."""
        try:
            yield
        except ElephantasmError as error:
            known = any(one.text == str(error) for one in self.findings)
            if not known:  # a second look at the same thing says the same
                self.wrong(area, str(error), error.hint)
        except OSError as error:
            self.wrong(area, f"The database cannot be reached: {error.strerror}.")

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"ok": self.ok, **asdict(self), "problems": self.problems}
