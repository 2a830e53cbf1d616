"""The models: embedders, their files and check-sums, and who makes memories.

Owns what is said of them. Asks no language model unless told to. Invariant: what is asked of one is
announced with what it takes, before it is asked.
"""

import importlib.util
from time import perf_counter
from typing import Final

import anyio
from pydantic import BaseModel

from elephantasm_mcp.app import choose_embedders, choose_model, llm_of
from elephantasm_mcp.cli.checkup.findings import Checkup, EmbedderRow
from elephantasm_mcp.cli.output import note
from elephantasm_mcp.ports import Embedder, Prompt
from elephantasm_mcp.settings import Settings, variable

_QUESTION: Final = Prompt(
    instructions="Answer with the given word, and nothing else.",
    data="The word is: elephant",
    max_tokens=256,
)
_ABOUT_TOKENS: Final = 150


class _Word(BaseModel):
    """What a language model is asked for to see whether it answers."""

    word: str


async def examine_embedders(found: Checkup, settings: Settings) -> None:
    """Load them, which compares their check-sums; one that others run is asked for a vector."""
    sentences, words = choose_embedders(settings)
    if settings.embedder == "auto" and importlib.util.find_spec("onnxruntime") is None:
        found.wrong(
            "models",
            "onnxruntime is not installed: searches use word vectors alone.",
            "Install it, or set ELEPHANTASM_EMBEDDER to static.",
        )
    for role, embedder in (("sentences", sentences), ("words", words)):
        if embedder is not None:
            found.embedders.append(await _load(found, embedder, role=role))
    found.mode = " + ".join(["lexical", *(one.name for one in found.embedders if one.ready)])


def examine_writer(found: Checkup, settings: Settings) -> None:
    """Say who makes memories, and whether a key is missing; nobody is asked."""
    writer = llm_of(settings)
    model = choose_model(settings)
    found.daily_tokens = settings.daily_tokens
    found.writer = model.name if model is not None else writer
    keys = {
        "anthropic": settings.anthropic_api_key,
        "openai": settings.openai_api_key or settings.openai_base_url,
    }
    if writer in keys and not keys[writer]:
        found.wrong(
            "models",
            f"{variable(f'{writer}_api_key')} is not set: {found.writer} cannot be asked, and"
            " memories are made extractively.",
            f"Set it, or set {variable('llm')} to extractive.",
        )


async def ask(found: Checkup, settings: Settings) -> None:
    """Ask the language model one short question.

    Raises:
        ModelError: it does not answer, or not well.
    """
    model = choose_model(settings)
    if model is None:
        found.live.append("no language model is set up, so none was asked")
        return
    note(f"Asking {model.name} one question, of about {_ABOUT_TOKENS} tokens …")
    usage = (await model.answer(_QUESTION, _Word)).usage
    cost = (
        "at a price that is not known" if usage.cost_usd is None else f"for ${usage.cost_usd:.6f}"
    )
    found.live.append(
        f"{model.name} answered in {usage.duration_s:.1f} s, with "
        f"{usage.tokens_in + usage.tokens_out:,} tokens {cost}"
    )


async def _load(found: Checkup, embedder: Embedder, *, role: str) -> EmbedderRow:
    started = perf_counter()
    with found.noting("models"):
        await anyio.to_thread.run_sync(embedder.load)
    return EmbedderRow(
        role=role,
        name=embedder.name,
        dimensions=embedder.dimensions,
        ready=embedder.loaded,
        load_ms=round(1000 * (perf_counter() - started)),
    )
