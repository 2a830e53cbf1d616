"""The opening: what a session is told first, whether or not anything is remembered.

Owns one line; the server's instructions quote its beginning. Invariant: it needs nothing, so that
it is said on a day on which nothing can be read.
"""

from typing import Final

RECORDED: Final = "Hooks record this session"
OPENING: Final = f"{RECORDED}: call neither get_memory_pack at its start nor extract_event."
