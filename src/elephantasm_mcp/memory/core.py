"""What every service is given: the ports, chosen once by `app`.

Owns no behaviour. Invariant: a service reaches the outside world only through a `Core`, so a test
that builds one with fakes has replaced all of it.
"""

from collections import Counter
from dataclasses import dataclass, field

from elephantasm_mcp.ports import Clock, Database, Embedder, Ids, Synthesizer
from elephantasm_mcp.store.cache import VectorCache
from elephantasm_mcp.types.records import RowId


@dataclass(frozen=True, slots=True)
class Core:
    """The ports and the few settings that services read."""

    database: Database
    clock: Clock
    ids: Ids
    synthesizer: Synthesizer
    secret: bytes
    """The database's own: signs the fences of packs."""
    sentences: Embedder | None = None
    """The sentence model: meaning of a text as a whole."""
    words: Embedder | None = None
    """The static word vectors: fast, second signal, and the fallback of the sentence model."""
    default_anima: str = "default"
    redact: bool = True
    vectors: VectorCache = field(default_factory=VectorCache)
    uses: Counter[RowId] = field(default_factory=Counter)
    """Memories that packs used and that are not counted in the store yet."""
