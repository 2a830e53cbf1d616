"""Whose memories a file of a repository reaches."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from elephantasm_mcp.errors import ConflictError, NotFoundError, ValidationError
from elephantasm_mcp.memory import animas, events, forgetting, packs, recall, trust
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.memory.fakes import FakeClock
from elephantasm_mcp.projects import project_of
from elephantasm_mcp.types.defaults import noted
from elephantasm_mcp.types.reading import PackQuery, SearchQuery
from elephantasm_mcp.types.records import LOCAL_USER, AnimaCreate, EventCreate, User, UserNo

PRIVATE = "The launch code is 4417."


def folder(place: Path, *, anima: str | None = None) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    if anima is not None:
        (place / ".elephantasm.toml").write_text(f'anima = "{anima}"\n')
    return place


def working_in(core: Core, place: Path) -> Core:
    """The services as a process has them that works in a folder."""
    project = project_of(place)
    return replace(core, default_anima=project.name, project=project)


async def default_in(core: Core, place: Path) -> str:
    return (await animas.resolve(working_in(core, place), LOCAL_USER, None)).name


async def test_a_project_has_an_anima_of_its_own_that_says_where_it_is(core: Core, tmp_path: Path):
    place = folder(tmp_path / "app")
    made = await animas.resolve(working_in(core, place), LOCAL_USER, None)
    assert made.name == project_of(place).name
    assert made.description == f"Made for the project in {place}."


async def test_a_file_may_name_a_new_anima_and_finds_it_again(core: Core, tmp_path: Path):
    place = folder(tmp_path / "app", anima="payments")
    assert await default_in(core, place) == "payments"
    assert await default_in(core, place) == "payments"
    assert [one.anima for one in await trust.list_all(core, LOCAL_USER)] == ["payments"]


async def test_a_file_never_reaches_memories_by_naming_them(core: Core, tmp_path: Path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="private"))
    await events.record(core, LOCAL_USER, [EventCreate(content=PRIVATE, anima_id="private")])
    here = working_in(core, folder(tmp_path / "stranger", anima="private"))
    await events.record(here, LOCAL_USER, [EventCreate(content="Hello.")])
    with noted() as default:
        pack = await packs.compile_pack(here, LOCAL_USER, PackQuery())
    hits = await recall.search(here, LOCAL_USER, SearchQuery(query="launch code"))
    assert pack is not None
    assert PRIVATE not in pack.layers.context
    assert not any("4417" in hit.text for hit in hits)
    assert default.name
    assert default.name.startswith("stranger-")
    assert default.note
    assert "elephantasm-mcp animas trust NAME" in default.note


async def test_the_first_repository_to_name_a_new_anima_has_it_and_the_second_has_not(
    core: Core, tmp_path: Path
):
    first, second = folder(tmp_path / "a", anima="ours"), folder(tmp_path / "b", anima="ours")
    assert await default_in(core, first) == "ours"
    assert (await default_in(core, second)).startswith("b-")


@pytest.mark.parametrize("name", ["Work", "WORK", "ｗｏｒｋ", "wоrk", "ωork"])
async def test_a_file_makes_no_anima_that_looks_like_one_that_is_there(
    core: Core, tmp_path: Path, name: str
):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="work"))
    assert (await default_in(core, folder(tmp_path / "app", anima=name))).startswith("app-")


async def test_who_makes_an_anima_that_a_file_named_first_is_told_how_to_settle_it(
    core: Core, tmp_path: Path
):
    place = folder(tmp_path / "stranger", anima="payroll")
    assert await default_in(core, place) == "payroll"
    here = working_in(core, place)
    assert not (await animas.create(here, LOCAL_USER, AnimaCreate(name="payroll")))[1]
    assert await default_in(core, place) == "payroll"
    with pytest.raises(ConflictError, match="who works there reads it") as refused:
        await animas.create(core, LOCAL_USER, AnimaCreate(name="payroll"))
    assert f"`elephantasm-mcp animas trust payroll {place} --remove`" in refused.value.hint
    assert "`elephantasm-mcp animas delete payroll --yes`" in refused.value.hint
    assert await default_in(core, place) == "payroll"
    await trust.take_back(core, LOCAL_USER, "payroll", place)
    mine, made = await animas.create(core, LOCAL_USER, AnimaCreate(name="payroll"))
    assert (mine.name, made) == ("payroll", False)
    assert (await default_in(core, place)).startswith("stranger-")


async def test_a_project_that_is_gone_keeps_no_anima(core: Core, tmp_path: Path):
    place = folder(tmp_path / "stranger", anima="payroll")
    (place / ".git").mkdir()
    (place / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (place / ".git" / "config").write_text('[remote "origin"]\nurl = https://github.com/a/b.git\n')
    assert project_of(place).name == "a/b"
    assert await default_in(core, place) == "payroll"
    rmtree(place)
    await trust.take_back(core, LOCAL_USER, "payroll", place)
    assert await trust.list_all(core, LOCAL_USER) == []
    assert not (await animas.create(core, LOCAL_USER, AnimaCreate(name="payroll")))[1]


async def test_a_file_that_was_confirmed_is_no_longer_told_of(
    core: Core, clock: FakeClock, tmp_path: Path
):
    place = folder(tmp_path / "app", anima="payments")
    assert await default_in(core, place) == "payments"
    elsewhere = replace(core, default_anima="payments", project=None)
    with noted() as default:
        await animas.resolve(elsewhere, LOCAL_USER, None)
    assert default.note
    assert "who works there reads it" in default.note
    clock.move(timedelta(hours=1))
    await trust.allow(core, LOCAL_USER, "payments", place)
    with noted() as default:
        await animas.resolve(elsewhere, LOCAL_USER, None)
    assert (default.name, default.note) == ("payments", None)
    assert not (await animas.create(core, LOCAL_USER, AnimaCreate(name="payments")))[1]
    assert await default_in(core, place) == "payments"


@pytest.mark.parametrize("name", ["default", "ｄｅｆａｕｌｔ", "acme/app", "notes-1f3c9a2e"])
async def test_a_file_claims_no_name_that_somebody_else_will_be_given(
    core: Core, tmp_path: Path, name: str
):
    assert (await default_in(core, folder(tmp_path / "app", anima=name))).startswith("app-")
    assert name not in {one.name for one in await animas.overview(core, LOCAL_USER)}


async def test_what_was_allowed_holds_until_it_is_taken_back(core: Core, tmp_path: Path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="acme/platform"))
    place = folder(tmp_path / "app", anima="acme/platform")
    made = await trust.allow(core, LOCAL_USER, "acme/platform", place)
    assert (made.anima, made.folder) == ("acme/platform", str(place))
    assert await trust.allow(core, LOCAL_USER, "acme/platform", place) == made
    assert await default_in(core, place) == "acme/platform"
    await trust.take_back(core, LOCAL_USER, "acme/platform", place)
    assert (await default_in(core, place)).startswith("app-")
    with pytest.raises(NotFoundError, match="may not name"):
        await trust.take_back(core, LOCAL_USER, "acme/platform", place)


async def test_an_anima_that_was_removed_and_made_again_trusts_nobody(core: Core, tmp_path: Path):
    place = folder(tmp_path / "app", anima="payments")
    assert await default_in(core, place) == "payments"
    await forgetting.delete_anima(core, LOCAL_USER, "payments")
    await animas.create(core, LOCAL_USER, AnimaCreate(name="payments"))
    assert (await default_in(core, place)).startswith("app-")


async def test_trust_in_an_anima_is_its_users_alone(core: Core, tmp_path: Path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="private"))
    other = User(UserNo(2))
    with pytest.raises(NotFoundError):
        await trust.allow(core, other, "private", folder(tmp_path / "app"))
    await trust.allow(core, LOCAL_USER, "private", tmp_path / "app")
    assert await trust.list_all(core, other) == []


async def test_what_is_no_project_is_trusted_with_nothing(core: Core, tmp_path: Path):
    await animas.create(core, LOCAL_USER, AnimaCreate(name="private"))
    for place in (Path("/"), tmp_path / "gone"):
        with pytest.raises(ValidationError, match="no project"):
            await trust.allow(core, LOCAL_USER, "private", place)


async def test_a_broken_file_leaves_the_projects_own_anima_and_says_so(core: Core, tmp_path: Path):
    place = folder(tmp_path / "app")
    (place / ".elephantasm.toml").write_text("anima = [")
    with noted() as default:
        name = await default_in(core, place)
    assert name.startswith("app-")
    assert default.note
    assert default.note.startswith(".elephantasm.toml is no TOML")


async def test_who_may_only_read_makes_no_anima_by_a_file(core: Core, tmp_path: Path):
    here = working_in(core, folder(tmp_path / "app", anima="payments"))
    reader = replace(LOCAL_USER, makes=False)
    with pytest.raises(NotFoundError):
        await animas.resolve(here, reader, None)
    assert await animas.overview(core, LOCAL_USER) == []
