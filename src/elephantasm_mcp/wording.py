"""Wording: what tools, resources and the command line say alike.

Owns sentences and texts that several need, and what they call the one who asks; what only one of
them says stays there. Invariant: the same state reads the same, however one asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from elephantasm_mcp.pure.fences import fence_key
from elephantasm_mcp.pure.labels import counted
from elephantasm_mcp.pure.text import to_line
from elephantasm_mcp.types.grants import Origin
from elephantasm_mcp.types.views import DreamAction, DreamReport, ForgetReport, Plan, WorkOrder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcp.server.mcpserver import Context

SOME_CLIENT: Final = "mcp"
"""A client that does not say its name."""
CLIENT_CHARS: Final = 100
MAX_HANDLES: Final = 20
NOTHING_THEN: Final = "Nothing was remembered at that time."
NOTHING_YET: Final = (
    "Nothing is remembered here yet: what extract_event records will appear in this pack."
)

FORGOTTEN: Final = "(forgotten)"
"""What stands for the words of a row that was erased."""
DONE: Final = {"create": "made", "update": "changed", "delete": "removed", "consume": "used"}
"""What a dream did to a row, by the kind of its action."""

MAX_WEAK_LINES: Final = 3
"""How many weak hits of a search are worth a line."""


def weak_heading(*, shown: int, of: int) -> str:
    """What stands above, or beside, the weak hits of a search."""
    return f"Weak, below the relevance floor ({shown} of {of})"


_COUNTED: Final = {
    "events": ("event", "events"),
    "memories": ("memory", "memories"),
    "knowledge": ("piece of knowledge", "pieces of knowledge"),
    "echoes": ("echo", "echoes"),
    "conflicts": ("conflict", "conflicts"),
    "identity": ("identity", "identities"),
    "events_held": ("event held", "events held"),
}
"""The nouns among what a dream counts; the others say what was done."""
_TEXTS: Final = ("summary", "content", "prose", "question")


def origin_text(origin: Origin) -> str:
    """By whose grant a row of another anima is read, and since when."""
    source = f"{to_line(origin.user)}/{to_line(origin.anima)}"
    return f"by a grant of {source} since {origin.since:%Y-%m-%d}"


def client_of(ctx: Context[Any, Any]) -> str:
    """The name that a client gave itself when it connected."""
    introduced = ctx.session.client_params
    name = to_line(introduced.client_info.name, max_chars=CLIENT_CHARS) if introduced else ""
    return name or SOME_CLIENT


def fence_order(order: WorkOrder, *, secret: bytes) -> str:
    """A work order for a model to read: JSON between tags that no stored text can forge."""
    text = order.model_dump_json()
    key = fence_key(text, secret=secret)
    return f'<work-order key="{key}">\n{text}\n</work-order>'


def spent_text(report: DreamReport) -> str:
    """What language models took for a dream; empty when none was asked."""
    if not report.calls:
        return ""
    cost = "" if report.cost_usd is None else f", ${report.cost_usd:.4f}"
    return f"{counted(report.tokens, 'token')} in {counted(report.calls, 'call')}{cost}"


def counts_text(counts: Mapping[str, int]) -> str:
    """What a dream came to: "2 events, 1 memory, 3 merged"; empty when it did nothing."""
    return ", ".join(
        counted(number, *_COUNTED[what])
        if what in _COUNTED
        else f"{number:,} {what.replace('_', ' ')}"
        for what, number in counts.items()
        if number
    )


def action_text(action: DreamAction) -> str:
    """What the changed row says, or said before it was removed."""
    row = action.after or action.before
    return FORGOTTEN if row is None else _words(row)


def deed(action: DreamAction) -> str:
    """What was done to which row: "made m1", "merge k14"."""
    made = action.operation in ("synthesize", "undo")
    return f"{DONE[action.kind] if made else action.operation} {action.handle}"


def outcome(action: DreamAction, *, max_chars: int | None = None) -> str:
    """What the row says now, what it said before if that was something else, and why."""
    now = to_line(action_text(action), max_chars=max_chars)
    before = _words(action.before) if action.after is not None else ""
    changed = before and before != _words(action.after)
    was = f" (was: {to_line(before, max_chars=max_chars)})" if changed else ""
    undone = action.operation == "undo"
    why = f" — {to_line(action.reasoning)}" if action.reasoning and not undone else ""
    return f"{now}{was}{why}"


def _words(row: dict[str, Any] | None) -> str:
    return str(next((row[name] for name in _TEXTS if row.get(name)), "")) if row else ""


BOTH: Final = "Give `work_order` and `proposals`, or `plan` and `accept`, not both."
ONE_BY_ONE: Final = "Nothing was done; ask once for each."


def plan_text(plan: Plan) -> str:
    """A plan as a numbered diff, and how to answer it."""
    if not plan.steps:
        return "Nothing is to do."
    lines = [f"Plan {plan.id}, until {plan.expires_at:%Y-%m-%d %H:%M} UTC; nothing is done yet."]
    for step in plan.steps:
        lines.append(f"{step.number}. {step.operation}: {to_line(step.reasoning)}".rstrip(": "))
        lines += [f"   - {one.handle}: {to_line(one.text)}" for one in step.removed]
        lines += [f"   + {one.handle}: {to_line(one.text)}" for one in step.added]
    return "\n".join(lines)


def forget_lines(report: ForgetReport) -> Iterator[str]:
    """What goes or went, what stays of it, and what could not be reached, in sentences."""
    done = report.erased_at is not None
    gone = [
        f"{counted(len(handles), noun, nouns)} ({_some(handles)})"
        for noun, nouns, handles in (
            ("event", "events", report.events),
            ("memory", "memories", report.memories),
            ("piece of knowledge", "pieces of knowledge", report.knowledge),
        )
        if handles
    ]
    verb = "Erased" if done else "Would erase"
    yield f"{verb} in {to_line(report.anima)}: {', '.join(gone) or 'nothing'}."
    if report.given_back:
        back = f"{counted(len(report.given_back), 'event')} ({_some(report.given_back)})"
        verb = "Given back" if done else "Would be given back"
        yield f"{verb}, to be remembered anew without what goes: {back}."
    if report.unlinked:
        yield f"Kept, without that source: {_some(report.unlinked)}."
    if report.without_memory:
        yield f"Kept, without the memory that it came from: {_some(report.without_memory)}."
    if report.kept_sources:
        yield (
            f"Not erased: {_some(report.kept_sources)}, of which they were made; name these too "
            "if their words shall go."
        )
    if report.unreached:
        yield f"Not reached: {'; '.join(report.unreached)}."


def _some(handles: Sequence[str]) -> str:
    shown = ", ".join(handles[:MAX_HANDLES])
    return shown if len(handles) <= MAX_HANDLES else f"{shown}, … {len(handles) - MAX_HANDLES} more"
