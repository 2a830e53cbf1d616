"""Grants: who may give them, what they show, and that they show no more."""

from dataclasses import replace

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import (
    animas,
    curation,
    dreams,
    forgetting,
    grants,
    packs,
    provenance,
    recall,
    uses,
)
from elephantasm_mcp.store import grants as grant_store
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, User
from elephantasm_mcp.types.views import Curation, ForgetRequest, PackQuery, SearchQuery
from scenes import DAY, FILE, HOUR, MINUTE, EachEvent, add_user, look, tell

RULE = "Deploys wait for the second signature."


@pytest.fixture
def core(core):
    return replace(core, synthesizer=EachEvent())


@pytest.fixture
async def animas_of_two(core):
    """`house-rules` with one rule, and `coder` who has said something."""
    await make(core, "house-rules", RULE)
    await make(core, "coder", "Nadia drinks tea.")


async def make(core, name, *texts, user=LOCAL_USER):
    """An anima that has dreamt of these texts."""
    anima, _ = await animas.create(core, user, AnimaCreate(name=name))
    if texts:
        await tell(core, *texts, user=user, anima_id=anima.id, session_id=f"of {name}")
        await dreams.run(core, user, anima=anima.id, phase="synthesis")
    return anima


async def grant(core, source="house-rules", to="coder", *, user=LOCAL_USER, **options):
    return await grants.add(core, user, source, GrantRequest(to=to, **options))


async def pack(core, query=None, *, anima="coder", user=LOCAL_USER, client=None, **options):
    asked = PackQuery(anima=anima, query=query, **options)
    return await packs.compile_pack(core, user, asked, client=client)


async def search(core, query, *, anima="coder", user=LOCAL_USER, **options):
    return await recall.search(core, user, SearchQuery(query=query, anima=anima, **options))


def handles(found):
    lines = [*found.session_memories, *found.knowledge, *found.long_term_memories]
    return [line.handle for line in lines]


def of_others(found):
    return [handle for handle in handles(found) if ":" in handle]


# In packs


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "who signs deploys?"])
async def test_what_is_granted_stands_in_the_pack_under_its_animas_name(core, query):
    assert RULE not in (await pack(core, query)).as_prompt()
    given = await grant(core)
    found = await pack(core, query)
    assert of_others(found) == ["house-rules:k1"]
    assert "- [FACT] It was said: Deploys wait for the second signature. (house-rules:k1)" in (
        packs.fence(core, found)
    )
    assert "house-rules:k1" not in found.as_prompt()
    (line,) = [line for line in found.knowledge if line.origin]
    assert (line.origin.anima, line.origin.user, line.origin.grant) == (
        "house-rules",
        "local",
        given.id,
    )


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "who signs deploys?"])
async def test_memories_are_granted_apart_from_knowledge(core, query):
    await grant(core, knowledge=False, memories=True)
    found = await pack(core, query)
    assert of_others(found) == ["house-rules:m1"]
    assert [line.handle for line in found.long_term_memories if line.origin] == ["house-rules:m1"]
