"""The default anima of a client that works in a project, and names with a slash."""

from collections.abc import Callable
from pathlib import Path

import pytest

from elephantasm_mcp.sdk import Elephantasm


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, a clone of acme/app."""
    root = tmp_path / "clone"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text('[remote "origin"]\nurl = git@github.com:acme/app.git\n')
    monkeypatch.chdir(root)
    return root


@pytest.mark.usefixtures("repository")
def test_the_default_anima_is_the_projects(opened: Callable[..., Elephantasm]) -> None:
    with opened(anima_id="project") as memory:
        event = memory.extract("message.in", "Nadia is allergic to hazelnuts.", author="Nadia")
        assert [(one.name, one.default) for one in memory.animas()] == [("acme/app", True)]
        assert [one.id for one in memory.events()] == [event.id]
        pack = memory.inject()
        assert pack is not None
        assert pack.anima_id == event.anima_id


def test_a_name_with_a_slash_works_in_every_call(opened: Callable[..., Elephantasm]) -> None:
    name = "acme/app"
    with opened() as memory:
        anima = memory.create_anima(name)
        memory.extract("message.in", "I am allergic to hazelnuts.", author="N", anima_id=name)
        report = memory.dream(name, phase="synthesis")
        assert memory.dreams(name)[0].id == report.id
        assert memory.search("hazelnuts", anima_id=name)
        (known,) = memory.knowledge(name)
        memory.curate(known.handle, "pin", anima_id=name)
        assert memory.trace(known.handle, anima_id=name).text == known.content
        memory.create_anima("reader")
        memory.grant(name, "reader")
        granted = memory.search("hazelnuts", anima_id="reader")[0].handle
        assert granted == f"acme/app:{known.handle}"
        assert memory.trace(granted, anima_id="reader").origin is not None
        assert memory.forget(anima_id=name, everything=True).anima_id == anima.id
        memory.delete_anima(name)


@pytest.mark.parametrize("row", ["../../animas:k1", "a/../b:k1", "a//b:k1", "./x:k1", "a/b"])
def test_a_handle_with_slashes_leads_nowhere_else(
    opened: Callable[..., Elephantasm], row: str
) -> None:
    from elephantasm_mcp.errors import NotFoundError, ValidationError

    with opened() as memory:
        memory.create_anima("default")
        with pytest.raises((NotFoundError, ValidationError)):
            memory.trace(row)
