"""What tests of deep sleep share: things that become knowledge word by word, and sleeping."""

from dataclasses import replace

from elephantasm_mcp.memory import dreams
from elephantasm_mcp.store.jobs import JobKind
from elephantasm_mcp.types.proposals import (
    KnowledgeProposal,
    MemoryProposal,
    Proposals,
    SourceQuote,
)
from elephantasm_mcp.types.records import LOCAL_USER, KnowledgeType
from scenes import DAY, claim, tell


class Verbatim:
    """A synthesizer that knows each event as it was said, in a memory of its own."""

    name, provisional = "verbatim-1", False

    async def synthesize(self, batch):
        return Proposals(memories=[memory_of(event) for event in batch.events])


def memory_of(event):
    sources = [SourceQuote(event=event.handle, quote=event.text)]
    fact = KnowledgeProposal(
        type=KnowledgeType.FACT, content=event.text, confidence=0.8, sources=sources
    )
    quoted = '"' in event.text
    return MemoryProposal(
        summary=event.text
        if quoted
        else f"On occasion {event.handle} somebody mentioned this: {event.text}",
        content=event.text,
        importance=0.5,
        confidence=0.8,
        sources=sources,
        knowledge=[fact],
    )


def verbatim(core):
    return replace(core, synthesizer=Verbatim())


async def told(core, clock, *texts, apart=DAY, anima=None, **fields):
    """Say these one after the other, and make memories of them."""
    for text in texts:
        await tell(core, text, occurred_at=clock.now(), anima_id=anima, **fields)
        clock.move(apart)
    await dreams.run(core, LOCAL_USER, anima=anima, phase="synthesis")


async def sleep(core, **options):
    return await dreams.run(core, LOCAL_USER, anima=None, phase="deep", **options)


async def asleep(core):
    """What the background task does for deep sleep."""
    return await dreams.run_job(core, await claim(core, kind=JobKind.DEEP_SLEEP))
