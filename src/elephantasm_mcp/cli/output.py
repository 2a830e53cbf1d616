"""Output: results on standard output, messages on standard error.

Owns the few forms in which the command line prints. Does not know what it prints. Invariant:
remembered text is printed as one harmless line, so that it can neither pose as structure nor
steer the terminal.
"""

import json
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, Final

from pydantic_core import to_jsonable_python

from elephantasm_mcp.pure.text import to_line

PROGRAM: Final = "elephantasm-mcp"
MAX_WIDTH: Final = 100
MAX_LINE_CHARS: Final = 400
"""Longer remembered text is cut; `trace`, and `--json`, give all of it."""
_STEPS: Final = 10
"""How many lines of progress a long task prints where there is no terminal."""


def say(text: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """A line beside the result: progress, advice, errors."""
    sys.stderr.write(f"{text}\n")


def complain(text: str) -> None:
    """An error, in one harmless line."""
    note(f"{PROGRAM}: {line(text, max_chars=None)}")


def say_json(value: object) -> None:
    """The one JSON document of `--json`: models, dataclasses and what JSON has itself."""
    say(json.dumps(to_jsonable_python(value), ensure_ascii=False, indent=2))


def line(text: str, *, max_chars: int | None = MAX_LINE_CHARS) -> str:
    """Remembered text as one harmless line."""
    return to_line(text, max_chars=max_chars)


def when(moment: datetime | None) -> str:
    """A moment in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "undated"


def table(rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> Iterator[str]:
    """Rows as aligned lines; `right` are the columns that end at the same place."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def hanging(head: str, text: str, *, width: int | None = None) -> str:
    """`text` behind `head`, its further lines under its first where a terminal is narrower."""
    width = width or terminal_width()
    if width is None or not text:
        return f"{head}{text}".rstrip()
    return "\n".join(
        wrap(
            text,
            width,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def terminal_width() -> int | None:
    """The columns to fill; None when the result goes to a file or to another program."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH) if sys.stdout.isatty() else None


@contextmanager
def progress(
    what: str, *, total: int | None, unit: str
) -> Generator[Callable[[int], None], None, None]:
    """Show how far a task of `total` units is: a bar on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(desc=what, total=total, unit=unit, unit_scale=True, leave=False) as shown:
            yield lambda position: _advance(shown, position)
    else:
        yield _Lines(what, total)


def _advance(shown: Any, position: int) -> None:  # noqa: ANN401 - tqdm has no types
    shown.update(position - shown.n)


class _Lines:
    """Progress as plain lines: one for each tenth, none where the total is unknown."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._shown = 0

    def __call__(self, position: int) -> None:
        step = position * _STEPS // self._total if self._total else 0
        if step > self._shown:
            self._shown = step
            note(f"{self._what}: {100 // _STEPS * step} %")
