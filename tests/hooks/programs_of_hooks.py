"""Files that hang."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hanging_pipe(path: Path) -> Iterator[Path]:
    """A pipe into which nobody writes: whoever opens it to read waits."""
    os.mkfifo(path)
    yield path
    path.unlink()
