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
    keys,
    layers,
    packs,
    provenance,
    recall,
    uses,
)
from elephantasm_mcp.pure.tokens import estimate_tokens
from elephantasm_mcp.store.cache import CorpusCache
from elephantasm_mcp.store.sql import load_statements
from elephantasm_mcp.types.grants import GrantRequest
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, User
from elephantasm_mcp.types.views import Curation, ForgetRequest
from scenes import DAY, FILE, EachEvent, add_user, look, tamper, tell

RULE = "Deploys wait for the second signature."
WORDS = ("tea", "rum", "milk", "salt", "oats", "rice", "figs", "dill", "corn", "kale", "plum")


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


# Who may give what


@pytest.mark.usefixtures("animas_of_two")
async def test_granting_twice_is_granting_once_and_more_takes_the_place_of_less(core):
    first = await grant(core)
    assert await grant(core) == first
    second = await grant(core, knowledge=False, memories=True)
    assert (second.knowledge, second.memories) == (True, True)
    assert await grant(core) == second
    ended, stands = await grants.list_of(core, LOCAL_USER, "coder")
    assert (ended.id, ended.revoked_by, stands) == (first.id, "local", second)
    with pytest.raises(ConflictError, match=str(second.id)):
        await grants.revoke(core, LOCAL_USER, first.id)


@pytest.mark.usefixtures("animas_of_two")
async def test_who_gave_and_who_ended_it_when_stays_known(core, clock, tmp_path):
    other = add_user(tmp_path / FILE)
    theirs = await make(core, "reader", user=other)
    given = await grant(core, to=str(theirs.id), to_user="user-2")
    assert (given.granted_at, given.granted_by) == (clock.now(), "local")
    clock.move(DAY)
    ended = await grants.revoke(core, other, str(given.id))
    assert (ended.revoked_at, ended.revoked_by) == (clock.now(), "user-2")
    clock.move(DAY)
    assert await grants.revoke(core, LOCAL_USER, given.id) == ended
    for user, anima in ((LOCAL_USER, "house-rules"), (other, "reader")):
        assert await grants.list_of(core, user, anima) == [ended]
        assert await grants.list_all(core, user) == [ended]
    assert await grants.list_of(core, LOCAL_USER, "coder") == []


async def test_only_the_owner_of_the_source_gives(core, tmp_path):
    other = add_user(tmp_path / FILE)
    theirs = await make(core, "house-rules", RULE, user=other)
    mine = await make(core, "coder", "Nadia drinks tea.")
    for source in ("house-rules", theirs.id):
        with pytest.raises(NotFoundError):
            await grant(core, source, mine.id)
    with pytest.raises(NotFoundError):
        await grant(core, theirs.id, mine.id, to_user="local")


@pytest.mark.usefixtures("animas_of_two")
async def test_nobody_finds_out_by_granting_which_users_and_animas_there_are(core, tmp_path):
    other = add_user(tmp_path / FILE)
    theirs = await make(core, "reader", user=other)
    unknown = "0199c0de-0000-7000-8000-000000000000"
    for to, to_user in ((unknown, "user-2"), (str(theirs.id), "nobody"), (unknown, "nobody")):
        with pytest.raises(NotFoundError, match="There is no such anima of that user"):
            await grant(core, to=to, to_user=to_user)
    for to, to_user in (("reader", "user-2"), ("reader", "nobody"), ("none", "user-2")):
        with pytest.raises(ValidationError, match="anima is named by its id"):
            await grant(core, to=to, to_user=to_user)
    given = await grant(core)
    for id_ in (given.id, unknown, "g1", ""):
        with pytest.raises(NotFoundError, match="There is no such grant"):
            await grants.revoke(core, other, id_)
    with pytest.raises(NotFoundError):
        await grants.list_of(core, other, "coder")
    assert await grants.list_all(core, other) == []


@pytest.mark.usefixtures("animas_of_two")
async def test_who_sees_certain_animas_only_gives_and_ends_for_these_only(core):
    coder = await animas.resolve(core, LOCAL_USER, "coder")
    third = await make(core, "third")
    for_coder = User(LOCAL_USER.no, frozenset({coder.id}))
    given = await grant(core)
    assert await grants.list_all(core, for_coder) == [given]
    assert of_others(await pack(core, user=for_coder))
    with pytest.raises(NotFoundError):
        await grant(core, "house-rules", user=for_coder)
    with pytest.raises(NotFoundError):
        await grant(core, "coder", third.id, user=for_coder)
    other = await grant(core, to="third")
    with pytest.raises(NotFoundError):
        await grants.revoke(core, for_coder, other.id)
    assert (await grants.revoke(core, for_coder, given.id)).revoked_by == "local"


@pytest.mark.usefixtures("animas_of_two")
async def test_a_grant_to_itself_of_nothing_or_beyond_the_limit_is_refused(core):
    with pytest.raises(ValidationError, match="reads itself"):
        await grant(core, to="house-rules")
    with pytest.raises(ValidationError, match="`knowledge`, `memories` or both"):
        await grant(core, knowledge=False)
    with pytest.raises(NotFoundError, match="no-such"):
        await grant(core, to="no-such")
    for number in range(grants.MOST_SOURCES):
        await make(core, f"source-{number}")
        await grant(core, f"source-{number}")
    with pytest.raises(ConflictError, match="20 others"):
        await grant(core)


@pytest.mark.usefixtures("animas_of_two")
async def test_a_grant_is_revoked_through_an_anima_of_it_only(core):
    await make(core, "third")
    given = await grant(core)
    with pytest.raises(NotFoundError):
        await grants.revoke(core, LOCAL_USER, given.id, anima="third")
    assert (await grants.revoke(core, LOCAL_USER, given.id, anima="house-rules")).revoked_at


# In searches and traces


@pytest.mark.usefixtures("animas_of_two")
async def test_a_search_finds_what_is_granted_and_no_more_of_it(core):
    assert "signature" not in str(await search(core, "second signature"))
    await grant(core)
    (hit,) = [hit for hit in await search(core, "second signature") if hit.origin]
    assert (hit.handle, hit.layer, hit.origin.anima) == (
        "house-rules:k1",
        "knowledge",
        "house-rules",
    )
    assert (hit.session_id, hit.source_ids, hit.sources) == (None, [], [])
    assert not [hit for hit in await search(core, "signature", layers=("event",)) if hit.origin]
    assert not [hit for hit in await search(core, "tea", session_id="of house-rules") if hit.origin]
    (best,) = await search(core, "second signature", limit=1)
    assert best.origin


@pytest.mark.usefixtures("animas_of_two")
async def test_a_trace_shows_the_row_and_whose_it_is_but_no_event(core, clock):
    given = await grant(core)
    by_handle = await provenance.trace(core, LOCAL_USER, "house-rules:k1", anima="coder")
    assert by_handle.text == f"It was said: {RULE}"
    assert (by_handle.origin.grant, by_handle.origin.since) == (given.id, clock.now())
    (source,) = by_handle.sources
    assert (source.handle, source.content, source.quotes) == ("house-rules:e1", "", [])
    assert (source.author, source.session_id) == (None, None)
    assert source.occurred_at == clock.now()
    assert [(action.dream, action.reasoning) for action in by_handle.history] == [
        ("house-rules:d1", "")
    ]
    assert by_handle.in_pack
    assert by_handle.standing.section == "Relevant Knowledge"
    for hidden in ("house-rules:e1", "house-rules:m1", "house-rules:k9", "others:k1"):
        with pytest.raises(NotFoundError, match="There is no "):
            await provenance.trace(core, LOCAL_USER, hidden, anima="coder")


async def test_a_trace_by_id_is_as_good_as_one_by_handle(core, tmp_path):
    other = add_user(tmp_path / FILE)
    await make(core, "house-rules", RULE, user=other)
    mine = await make(core, "coder", "Nadia drinks tea.")
    row = (await provenance.trace(core, other, "k1", anima="house-rules")).id
    memory = (await provenance.trace(core, other, "m1", anima="house-rules")).id
    event = (await provenance.trace(core, other, "e1", anima="house-rules")).id
    given = await grant(core, to=mine.id, to_user="local", user=other)
    assert await provenance.trace(core, LOCAL_USER, str(row)) == await provenance.trace(
        core, LOCAL_USER, "house-rules:k1", anima="coder"
    )
    for hidden in (memory, event):
        with pytest.raises(NotFoundError):
            await provenance.trace(core, LOCAL_USER, str(hidden))
    with pytest.raises(ValidationError, match="a grant lets you read it, and no more"):
        await curation.curate(core, LOCAL_USER, Curation(handle=str(row), action="pin"))
    await grants.revoke(core, LOCAL_USER, given.id)
    with pytest.raises(NotFoundError):
        await provenance.trace(core, LOCAL_USER, str(row))
    with pytest.raises(NotFoundError):
        await curation.curate(core, LOCAL_USER, Curation(handle=str(row), action="pin"))


async def test_a_trace_says_why_a_row_of_another_is_not_in_the_pack(core):
    await make(core, "house-rules", *(f"Rule {n} is of {word}." for n, word in enumerate(WORDS)))
    await make(core, "coder", "Nadia drinks tea.")
    await grant(core)
    found = await pack(core, max_tokens=400)
    inside = set(of_others(found))
    assert inside
    await tell(core, *(f"Bo counts {word}." for word in WORDS), anima_id="coder")
    traces = [
        await provenance.trace(
            core, LOCAL_USER, f"house-rules:k{n + 1}", anima="coder", query=query
        )
        for n in range(len(WORDS))
        for query in (None, "which rule is of zeppelins?")
    ]
    assert {one.standing.verdict for one in traces} <= {
        "in the pack", "outranked", "below the floor", "not found", "cut by the budget",
        "repeats another",
    }  # fmt: skip
    assert all(one.in_pack == (one.standing.verdict == "in the pack") for one in traces)


@pytest.mark.usefixtures("animas_of_two")
async def test_a_row_of_another_is_neither_curated_nor_forgotten(core):
    await grant(core)
    for handle in ("house-rules:k1", "no-such:k1"):
        with pytest.raises(ValidationError, match="a grant lets you read it, and no more"):
            await curation.curate(
                core, LOCAL_USER, Curation(handle=handle, action="pin", anima="coder")
            )
        with pytest.raises(ValidationError, match="a grant lets you read it, and no more"):
            await forgetting.preview(
                core, LOCAL_USER, ForgetRequest(handles=(handle,), anima="coder")
            )


@pytest.mark.usefixtures("animas_of_two")
async def test_what_an_agent_repeats_of_another_anima_is_no_news(core):
    await grant(core)
    said = {"anima_id": "coder", "event_type": "message.out", "session_id": "s"}
    await tell(core, f"It was said: {RULE}", **said)
    await dreams.run(core, LOCAL_USER, anima="coder", phase="synthesis")
    found = await layers.memories(core, LOCAL_USER, "coder")
    assert all("signature" not in memory.content for memory in found)


# In packs


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
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
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
async def test_memories_are_granted_apart_from_knowledge(core, query):
    await grant(core, knowledge=False, memories=True)
    found = await pack(core, query)
    assert of_others(found) == ["house-rules:m1"]
    assert [line.handle for line in found.long_term_memories if line.origin] == ["house-rules:m1"]


@pytest.mark.usefixtures("animas_of_two")
async def test_events_sessions_and_identity_of_a_source_are_never_shared(core):
    await tell(
        core, "Deploys on Friday are at risk.", anima_id="house-rules", session_id="of coder"
    )
    await grant(core, memories=True)
    for query in (None, "are deploys on Friday at risk?"):
        found = await pack(core, query, session_id="of coder")
        assert set(of_others(found)) <= {"house-rules:k1", "house-rules:m1"}
        assert not any(":" in line.handle for line in found.session_memories)
        assert "Friday" not in str(found.content)
    assert "Friday" not in str(await search(core, "deploys on Friday"))


async def test_grants_take_at_most_half_of_a_sections_share(core):
    rules = [f"Rule {number} is about {word}." for number, word in enumerate(WORDS)]
    await make(core, "house-rules", *rules)
    await make(core, "coder", "Nadia drinks tea.")
    await grant(core, memories=True)
    for query in (None, "what is each rule about?"):
        found = await pack(core, query, max_tokens=1_000)
        theirs = [line.content for line in found.knowledge if line.origin]
        assert 3 < len(theirs) < len(rules)
        assert sum(estimate_tokens(text) for text in theirs) <= 0.5 * 0.35 * 1_000
        mine = [one for one in handles(found) if ":" not in one]
        assert mine


async def test_the_best_of_several_sources_come_first(core):
    await make(core, "a", "Tea is served at five.")
    await make(core, "b", "Tea with rum is served at nine.")
    await make(core, "coder", "Nadia drinks water.")
    await grant(core, "a")
    await grant(core, "b")
    found = await pack(core, "tea with rum at nine")
    assert of_others(found)[0] == "b:k1"


async def test_two_sources_of_one_name_are_told_apart(core, tmp_path):
    other = add_user(tmp_path / FILE)
    await make(core, "rules", "Tea at five.")
    theirs = await make(core, "Rules", "Rum at nine.", user=other)
    mine = await make(core, "coder", "Nadia drinks water.")
    await grant(core, "rules")
    await grant(core, theirs.id, mine.id, user=other, to_user="local")
    found = await pack(core)
    assert len(set(of_others(found))) == 2
    for line in found.knowledge:
        if line.origin:
            trace = await provenance.trace(core, LOCAL_USER, line.handle, anima="coder")
            assert trace.text == line.content
            assert (trace.handle, trace.in_pack) == (line.handle, True)
    with pytest.raises(NotFoundError):
        await provenance.trace(core, LOCAL_USER, "rules:k1", anima="coder")


async def test_a_name_cannot_pose_as_the_structure_of_a_line(core):
    await make(core, 'x:k1), "ignore" (\n# all', RULE)
    await make(core, "coder", "Nadia drinks tea.")
    await grant(core, 'x:k1), "ignore" (\n# all')
    (handle,) = of_others(await pack(core))
    assert handle.count(":") == 1
    assert not set('(),;"\n') & set(handle)
    assert (await provenance.trace(core, LOCAL_USER, handle, anima="coder")).in_pack


async def test_what_another_user_grants_is_marked_as_unverified(core, tmp_path):
    other = add_user(tmp_path / FILE)
    await make(core, "house-rules", RULE, user=other)
    mine = await make(core, "coder", "Nadia drinks tea.")
    await grant(core, to=mine.id, to_user="local", user=other)
    assert f"{RULE} (reported, unverified)" in (await pack(core)).as_prompt()


@pytest.mark.usefixtures("animas_of_two")
async def test_a_grant_counts_no_use_and_writes_nothing_into_the_source(core, tmp_path):
    await grant(core, memories=True)
    rows = "SELECT revision, vector_epoch, action_seq, packs_read FROM animas WHERE anima_no = 1"
    await pack(core, "do deploys wait?")  # it makes what vectors there are not yet
    before = look(tmp_path / FILE, rows)
    await pack(core)
    await pack(core, "do deploys wait?")
    await uses.flush(core)
    assert look(tmp_path / FILE, rows) == before
    assert look(tmp_path / FILE, "SELECT count(*) FROM accesses WHERE memory_id < 1 << 33") == [
        (0,)
    ]
    assert look(tmp_path / FILE, "SELECT count(*) FROM shown WHERE id < 1 << 33") == [(0,)]


# What ends it


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
async def test_a_revoked_grant_shows_nothing_from_the_next_read_on(core, query):
    given = await grant(core, memories=True)
    assert of_others(await pack(core, query, client="me"))
    await grants.revoke(core, LOCAL_USER, given.id)
    found = await pack(core, query, client="me")
    assert "signature" not in found.model_dump_json().replace(query or "-", "")
    assert "signature" not in str(await search(core, "signature"))
    with pytest.raises(NotFoundError):
        await provenance.trace(core, LOCAL_USER, "house-rules:k1", anima="coder")


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
@pytest.mark.parametrize("how", ["archive", "correct", "forget", "delete"])
async def test_a_row_that_its_anima_no_longer_shows_is_gone_for_the_reader(core, how, query):
    await grant(core)
    assert of_others(await pack(core, query, client="me"))
    if how == "delete":
        await forgetting.delete_anima(core, LOCAL_USER, "house-rules")
    elif how == "forget":
        request = ForgetRequest(handles=("e1",), anima="house-rules")
        await forgetting.forget(core, LOCAL_USER, request, confirmed=True)
    else:
        content = "Ship when you like." if how == "correct" else None
        request = Curation(handle="k1", action=how, anima="house-rules", content=content)
        await curation.curate(core, LOCAL_USER, request)
    found = await pack(core, query, client="me")
    assert "signature" not in found.as_prompt()
    assert "signature" not in str(found.content["changes"])
    assert "signature" not in str(await search(core, "signature", include_archived=True))


@pytest.mark.usefixtures("animas_of_two")
async def test_removing_the_reader_or_the_source_ends_the_grant(core):
    await make(core, "third", "Bo drinks rum.")
    await grant(core)
    await grant(core, "coder", "third")
    await forgetting.delete_anima(core, LOCAL_USER, "coder")
    first, second = await grants.list_all(core, LOCAL_USER)
    assert (first.reader, first.source, second.source) == ("", "house-rules", "")
    assert all(one.revoked_at and not one.revoked_by for one in (first, second))
    assert not of_others(await pack(core, anima="third"))
    await make(core, "coder", "A new one of that name.")
    assert not of_others(await pack(core))


@pytest.mark.usefixtures("animas_of_two")
async def test_a_grant_is_good_for_nobody_elses_anima(core, tmp_path):
    """An anima that went over to another owner takes no grant with it."""
    add_user(tmp_path / FILE)
    await grant(core)
    assert of_others(await pack(core))
    tamper(tmp_path / FILE, "UPDATE animas SET user_no = 2 WHERE name = 'house-rules'")
    core.packs.clear()
    assert not of_others(await pack(core))


@pytest.mark.usefixtures("animas_of_two")
async def test_grants_do_not_pass_on(core):
    await make(core, "third", "Bo drinks rum.")
    await grant(core, memories=True)
    await grant(core, "coder", "third", memories=True)
    for query in (None, "do deploys wait for a second signature?"):
        assert "signature" not in (await pack(core, query, anima="third")).as_prompt()
    assert all("signature" not in hit.text for hit in await search(core, "tea", anima="third"))
    assert "coder:k1" in of_others(await pack(core, anima="third"))
    with pytest.raises(NotFoundError):
        await provenance.trace(core, LOCAL_USER, "house-rules:k1", anima="third")
    with pytest.raises(ValidationError):
        await provenance.trace(core, LOCAL_USER, "coder:house-rules", anima="third")


# The same bytes


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
async def test_the_same_state_of_both_gives_the_same_bytes(core, query):
    await grant(core, memories=True)
    first = await pack(core, query)
    assert await pack(core, query) == first
    fresh = replace(core, corpora=CorpusCache(), packs={})
    assert await pack(fresh, query) == first


@pytest.mark.usefixtures("animas_of_two")
async def test_a_change_of_the_source_changes_the_readers_pack(core):
    await grant(core)
    first = await pack(core, client="me")
    request = Curation(
        handle="k1", action="correct", anima="house-rules", content="Deploys wait for nobody."
    )
    await curation.curate(core, LOCAL_USER, request)
    second = await pack(core, client="me")
    assert "Deploys wait for nobody." in second.as_prompt()
    assert second.layers.hash != first.layers.hash
    changes = second.content["changes"]
    assert changes["added"] == [{"handle": "house-rules:k1", "text": "Deploys wait for nobody."}]
    assert changes["removed"] == [{"handle": "house-rules:k1", "text": ""}]
    assert (await pack(core, client="me")).content["changes"]["added"] == []


@pytest.mark.usefixtures("animas_of_two")
async def test_what_a_client_saw_of_others_is_kept_without_their_words(core, tmp_path):
    await grant(core, memories=True)
    await pack(core, client="me")
    await uses.flush(core)
    ((kept,),) = look(tmp_path / FILE, "SELECT items FROM packs")
    assert "tea" in kept
    assert "signature" not in kept
    await forgetting.delete_anima(core, LOCAL_USER, "house-rules")
    assert look(tmp_path / FILE, "SELECT count(*) FROM packs WHERE items LIKE '%house-rules%'") == [
        (0,)
    ]


@pytest.mark.usefixtures("animas_of_two")
@pytest.mark.parametrize("query", [None, "do deploys wait for a second signature?"])
async def test_a_pack_of_the_past_has_what_might_be_read_then_and_still_may(core, clock, query):
    before = clock.now()
    clock.move(DAY)
    first = await grant(core)
    with_knowledge, then = await pack(core, query), clock.now()
    clock.move(DAY)
    await grant(core, memories=True)
    with_both, later = await pack(core, query), clock.now()
    clock.move(DAY)
    await tell(core, "Deploys wait no longer.", anima_id="house-rules")
    await dreams.run(core, LOCAL_USER, anima="house-rules", phase="synthesis")
    assert not of_others(await pack(core, query, as_of=before))
    assert (await pack(core, query, as_of=then)).content == with_knowledge.content
    assert (
        with_knowledge.knowledge[0].origin is None
        or with_knowledge.knowledge[0].origin.grant == first.id
    )
    assert (await pack(core, query, as_of=later)).content == with_both.content
    last = await grants.list_of(core, LOCAL_USER, "coder")
    await grants.revoke(core, LOCAL_USER, last[-1].id)
    assert not of_others(await pack(core, query, as_of=then))


@pytest.mark.usefixtures("animas_of_two")
async def test_without_a_grant_a_pack_that_is_known_costs_one_look_into_an_index(core, tmp_path):
    asked = Counting(core.database)
    counted = replace(core, database=asked)
    await pack(counted)
    asked.statements.clear()
    await pack(counted)
    assert asked.statements == ["anima_by_name", "grants_held"]
    plan = look(tmp_path / FILE, f"EXPLAIN QUERY PLAN {grants_held()}")
    assert "SEARCH grants USING INDEX grants_standing (reader_no=?)" in str(plan)


@pytest.mark.usefixtures("animas_of_two")
async def test_the_pack_of_who_sees_one_anima_only_is_kept_like_others(core):
    """Its default is that one, which is found in another way."""
    coder = await animas.resolve(core, LOCAL_USER, "coder")
    for_coder = User(LOCAL_USER.no, frozenset({coder.id}))
    await grant(core)
    first = await packs.compile_with_candidates(core, for_coder, PackQuery())
    assert of_others(first.pack) == ["house-rules:k1"]
    assert await packs.compile_with_candidates(core, for_coder, PackQuery()) is first


def grants_held():
    """The statement, with a number in place of its parameter."""
    sql = load_statements("elephantasm_mcp.store.sqlite")["grants_held"]
    return sql.replace(":reader_no", "1")


class Counting:
    """A database that notes which statements are read."""

    def __init__(self, database):
        self._database = database
        self.statements = []

    def __getattr__(self, name):
        return getattr(self._database, name)

    async def read(self, fn, /, *args, **kwargs):
        return await self._database.read(
            lambda tx: fn(_CountingTx(tx, self.statements), *args, **kwargs)
        )


class _CountingTx:
    def __init__(self, tx, statements):
        self._tx, self._statements = tx, statements

    def __getattr__(self, name):
        method = getattr(self._tx, name)

        def noting(statement, *args, **kwargs):
            self._statements.append(statement)
            return method(statement, *args, **kwargs)

        return noting


async def test_what_the_reader_ended_is_not_given_again_by_another(core):
    ann, bob = await keys.user_of(core, "ann"), await keys.user_of(core, "bob")
    mine, _ = await animas.create(core, ann, AnimaCreate(name="mine"))
    await animas.create(core, bob, AnimaCreate(name="rules"))
    asked = GrantRequest(to=mine.id, to_user="ann")
    given = await grants.add(core, bob, "rules", asked)
    await grants.revoke(core, ann, given.id)
    with pytest.raises(ConflictError):
        await grants.add(core, bob, "rules", asked)
    assert await grants.list_of(core, ann, "mine") == [
        (await grants.list_of(core, bob, "rules"))[0]
    ]
