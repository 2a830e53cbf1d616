"""What every service is given: the ports, chosen once by `app`.

Owns no behaviour. Invariant: a service reaches the outside world only through a `Core`, so a test
that builds one with fakes has replaced all of it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from elephantasm_mcp.memory.breaker import Breaker
from elephantasm_mcp.memory.outages import Outages
from elephantasm_mcp.ports import (
    Clock,
    Database,
    Embedder,
    Ids,
    LanguageModel,
    Synthesizer,
    SynthesizerOver,
    WordEmbedder,
)
from elephantasm_mcp.projects import Project
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.packs import LastRead, Reader
from elephantasm_mcp.types.records import AnimaNo, RowId

Progress: TypeAlias = Callable[[int, int, str], Awaitable[None]]
"""Told how much of how much is done, and what comes next."""


@dataclass(frozen=True, slots=True)
class Core:
    """The ports and the few settings that services read."""

    database: Database
    clock: Clock
    ids: Ids
    synthesizer: Synthesizer
    """Makes memories where no language model does, or none answers."""
    secret: bytes
    """The database's own: signs the fences of packs."""
    sentences: Embedder | None = None
    """The sentence model: meaning of a text as a whole."""
    words: WordEmbedder | None = None
    """The static word vectors: fast, second signal, and the fallback of the sentence model."""
    default_anima: str = "default"
    project: Project | None = None
    """Whose own anima that is; a file of it may name another one."""
    redact: bool = True
    model: LanguageModel | None = None
    """None: memories are made extractively, and by the connected agent if `host` is set."""
    by_model: SynthesizerOver | None = None
    """Makes memories by asking `model`."""
    daily_tokens: int = 100_000
    """What `model` may take in a UTC day, over all animas."""
    host: str | None = None
    """What a connected agent is told about work orders; None: it gets none."""
    breaker: Breaker = field(default_factory=Breaker)
    outages: Outages = field(default_factory=Outages)
    corpora: CorpusCache = field(default_factory=CorpusCache)
    uses: Counter[RowId] = field(default_factory=Counter)
    """Memories that packs used and that are not counted in the store yet."""
    shown: dict[AnimaNo, Counter[str]] = field(default_factory=dict)
    """Handles of what stood in packs, and `""` for each pack, not counted in the store yet."""
    reads: dict[Reader, LastRead] = field(default_factory=dict)
    """What clients saw in packs and is not in the store yet."""
    keys_used: dict[UUID, datetime] = field(default_factory=dict)
    """When API keys were used, as far as that is not in the store yet."""
    packs: dict[tuple[object, ...], object] = field(default_factory=dict)
    """Packs without a query, by all that they depend on; `memory/packs.py` fills it."""
