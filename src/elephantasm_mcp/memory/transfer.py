"""Transfer: events that come from files.

Owns the import formats and their batches. Does not open files, and makes no memories: a dream does.
Invariant: whatever stops an import, what was stored stays, in order and up to one place of the
input; an item that cannot be stored is reported with its place and disturbs no other.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched_compat
from typing import Any, Final, TypeAlias
