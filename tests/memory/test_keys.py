"""API keys: made once, known again by their digest, and good for nothing once they ended."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from elephantasm_mcp.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from elephantasm_mcp.memory import animas, keys
from elephantasm_mcp.types.callers import Scope
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, User
from scenes import DAY, FILE, HOUR, MINUTE, fragile, look


async def known(core, key):
    """Whether a key opens anything."""
    try:
        await keys.authenticate(core, key)
    except AuthenticationError:
        return False
    return True


async def test_a_key_is_256_random_bits_of_which_a_digest_is_kept(core, tmp_path):
    made = [(await keys.create(core, f"key {number}"))[1] for number in range(20)]
    assert len(set(made)) == 20
    assert all(re.fullmatch(r"sk_live_[A-Za-z0-9_-]{43}", key) for key in made)
    stored = look(tmp_path / FILE, "SELECT prefix, digest FROM api_keys ORDER BY created_at, uuid")
    assert stored == [(key[:12], hashlib.sha256(key.encode()).digest()) for key in made]


async def test_a_key_is_its_users_with_its_scopes_and_animas(core):
    ann = await keys.user_of(core, "ann")
    diary, _ = await animas.create(core, ann, AnimaCreate(name="diary"))
    _, key = await keys.create(core, "k", user="ann", scopes=[Scope.ADMIN], only=["diary"])
    caller = await keys.authenticate(core, key)
    assert caller.user == User(ann.no, frozenset({diary.id}))
    assert caller.scopes == {Scope.ADMIN}
    assert caller.may(Scope.READ)
    _, plain = await keys.create(core, "plain")
    caller = await keys.authenticate(core, plain)
    assert (caller.user, caller.scopes) == (LOCAL_USER, {Scope.READ, Scope.WRITE})
    assert not caller.may(Scope.ADMIN)


async def test_a_user_is_made_once_and_known_by_the_exact_name(core, tmp_path):
    ann = await keys.user_of(core, "ann")
    await keys.create(core, "k", user=" ann ")
    assert await keys.user_of(core, "ann") == ann
    assert await keys.user_of(core, "Ann") != ann
    assert await keys.user_of(core, "local") == LOCAL_USER
    assert look(tmp_path / FILE, "SELECT name FROM users ORDER BY user_no") == [
        ("local",),
        ("ann",),
        ("Ann",),
    ]


async def test_a_revoked_key_opens_nothing_from_then_on_and_stays_listed(core, clock):
    made, key = await keys.create(core, "k")
    assert await known(core, key)
    clock.move(MINUTE)
    ended = await keys.revoke(core, "k")
    assert (ended.state, ended.revoked_at) == ("revoked", clock.now())
    assert not await known(core, key)
    clock.move(MINUTE)
    assert (await keys.revoke(core, str(made.id))).revoked_at == ended.revoked_at
    assert [one.state for one in await keys.list_all(core)] == ["revoked"]
    assert await keys.any_made(core)


async def test_a_key_expires(core, clock):
    _, key = await keys.create(core, "k", expires_at=clock.now() + DAY)
    clock.move(DAY - timedelta(microseconds=1))
    assert await known(core, key)
    clock.move(timedelta(microseconds=1))
    assert not await known(core, key)
    assert [one.state for one in await keys.list_all(core)] == ["expired"]


@pytest.mark.parametrize(
    "wrong", ["", "sk_live_", "KEYx", "KEY ", "key", "sk_live_\ud800", "x" * 99]
)
async def test_what_is_not_exactly_the_key_is_unknown(core, wrong):
    _, key = await keys.create(core, "k")
    assert not await known(core, wrong.replace("KEY", key))
    assert not await known(core, key[:-1])
    assert not await known(core, key.swapcase())


async def test_unknown_revoked_and_expired_keys_are_refused_in_one_way(core, clock):
    _, old = await keys.create(core, "old", expires_at=clock.now() + DAY)
    _, gone = await keys.create(core, "gone")
    await keys.revoke(core, "gone")
    clock.move(DAY)
    said = set()
    for key in (old, gone, "sk_live_none"):
        with pytest.raises(AuthenticationError) as refused:
            await keys.authenticate(core, key)
        said.add(refused.value.explain())
    assert len(said) == 1


@pytest.mark.parametrize("by", ["name", "id", "prefix", "the key itself"])
async def test_a_key_is_revoked_by_whatever_is_known_of_it(core, by):
    made, key = await keys.create(core, "laptop")
    await keys.create(core, "other")
    ref = {"name": " laptop ", "id": str(made.id), "prefix": made.prefix, "the key itself": key}
    assert (await keys.revoke(core, ref[by])).id == made.id
    assert not await known(core, key)


async def test_a_name_is_free_again_once_its_key_was_revoked(core):
    await keys.create(core, "k")
    with pytest.raises(ConflictError):
        await keys.create(core, "k", user="other")
    await keys.revoke(core, "k")
    second, key = await keys.create(core, "k")
    assert (await keys.revoke(core, "k")).id == second.id
    assert not await known(core, key)


async def test_a_key_that_is_not_there_is_not_revoked(core):
    await keys.create(core, "laptop")
    with pytest.raises(NotFoundError, match="no such key") as refused:
        await keys.revoke(core, "labtop")
    assert "laptop" in refused.value.hint


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "k", "user": "\x00"}, "user"),
        ({"name": "k", "scopes": []}, "scopes"),
    ],
)
async def test_a_key_that_means_nothing_is_not_made(core, options, field):
    with pytest.raises(ValidationError) as refused:
        await keys.create(core, options.pop("name"), **options)
    assert refused.value.field == field
    assert not await keys.any_made(core)


async def test_a_key_is_neither_made_for_the_past_nor_for_animas_of_others(core, clock, tmp_path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="mine"))
    with pytest.raises(ValidationError):
        await keys.create(core, "k", expires_at=clock.now())
    with pytest.raises(NotFoundError):
        await keys.create(core, "k", user="ann", only=["mine"])
    assert look(tmp_path / FILE, "SELECT name FROM users") == [("local",)]


async def test_its_use_is_noted_once_an_hour_and_never_while_somebody_waits(core, clock):
    _, key = await keys.create(core, "k")
    at = clock.now()
    broken, database = fragile(core)
    database.break_at = 0
    for _ in range(3):
        await keys.authenticate(broken, key)
    assert (await keys.list_all(core))[0].last_used_at is None
    await keys.flush(core)
    assert (await keys.list_all(core))[0].last_used_at == at
    clock.move(HOUR - MINUTE)
    await keys.authenticate(core, key)
    await keys.flush(core)
    assert (await keys.list_all(core))[0].last_used_at == at
    clock.move(MINUTE)
    await keys.authenticate(core, key)
    await keys.flush(core)
    assert (await keys.list_all(core))[0].last_used_at == clock.now()


async def test_a_use_that_could_not_be_noted_waits(core, clock):
    class Full:
        """A database on a disk that is full."""

        read = core.database.read

        async def write(self, *_, **__):
            raise StorageError("The disk is full.")

    _, key = await keys.create(core, "k")
    full = replace(core, database=Full())
    await keys.authenticate(full, key)
    with pytest.raises(StorageError):
        await keys.flush(full)
    await keys.flush(core)
    assert (await keys.list_all(core))[0].last_used_at == clock.now()


async def test_of_some_keys_those_that_still_hold_are_told_apart(core, clock):
    made = [
        await keys.create(core, "a"),
        await keys.create(core, "b", expires_at=clock.now() + DAY),
        await keys.create(core, "c"),
    ]
    ids = [key.id for key, _ in made]
    assert await keys.holding(core, ids) == set(ids)
    await keys.revoke(core, "a")
    clock.move(DAY)
    assert await keys.holding(core, [*ids, core.ids.uuid()]) == {ids[2]}
