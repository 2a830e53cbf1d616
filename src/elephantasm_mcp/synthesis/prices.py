"""What models cost, as far as their makers publish it.

Owns the table (US dollars for a million tokens, in and out, read on 21 November 2026 from
platform.claude.com/docs and developers.openai.com/api/docs). Invariant: a model that is not in it
has no price, rather than a guessed one.
"""

from typing import Final

_MILLION: Final = 1_000_000
_PRICES: Final = {
    "claude-haiku-5-5": (0.10, 0.50),
    "claude-haiku-4-5": (1.00, 5.00),
    "claude-sonnet-5-5": (2.00, 10.00),
    "claude-sonnet-5": (2.00, 10.00),
    "claude-opus-5-5": (4.00, 20.00),
    "claude-opus-5": (5.00, 25.00),
    "claude-fable-5-1": (10.00, 50.00),
    "gpt-5.6-luna": (0.20, 1.20),
}


def cost_usd(model: str, *, tokens_in: int, tokens_out: int) -> float | None:
    """What a call costs; None for a model whose price is not known.

    A date behind a model's name (`…-20260302`, `…-2026-03-02`) is the same model.
    """
    for name, (price_in, price_out) in _PRICES.items():
        if model == name or model.startswith(f"{name}-20"):
            return (tokens_in * price_in + tokens_out * price_out) / _MILLION
    return None
