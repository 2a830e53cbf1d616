"""The opening: what a session is told first, whether or not anything is remembered.

Owns that line; the server's instructions quote its beginning. Invariant: it needs nothing, so that
it is said on a day on which nothing can be read.
"""

from typing import Final

from elephantasm_mcp.hooks.clients import Client, Moment

RECORDED: Final = "Hooks record this session"
OPENING: Final = f"{RECORDED}: call neither get_memory_pack at its start nor extract_event."
PROMPTS_ALONE: Final = (
    f"{RECORDED}'s prompts, not your answers: do not call get_memory_pack at its start, and call"
    " extract_event for your answers alone."
)


def opening_for(client: Client) -> str:
    """The line for a client; some hand hooks no answer."""
    return OPENING if Moment.REPLY in client.events.values() else PROMPTS_ALONE
