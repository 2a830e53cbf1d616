"""Files on their way to their names."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from elephantasm_mcp.drafts import check_target, draft
from elephantasm_mcp.errors import ConflictError, StorageError

OWNER_ONLY = 0o600


def test_two_drafts_of_one_name_are_two_files(tmp_path: Path):
    target = tmp_path / "copy"
    with draft(target) as one, draft(target) as other:
        one.write_text("one")
        other.write_text("other")
        assert other.stat().st_mode & 0o777 == OWNER_ONLY
        one.replace(target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]


def test_a_draft_that_fails_is_gone_with_its_log(tmp_path: Path):
    with suppress(StorageError), draft(tmp_path / "copy") as one:
        one.with_name(f"{one.name}-wal").touch()
        raise StorageError("The copy is damaged.")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_free_may_be_written_and_a_link_leads_to_its_file(tmp_path: Path):
    real, link, database = tmp_path / "real", tmp_path / "link", tmp_path / "memory.sqlite3"
    link.symlink_to(real)
    assert check_target(link, database=database, replace=False) == real.resolve()
    real.touch()
    with pytest.raises(ConflictError, match="is there already"):
        check_target(link, database=database, replace=False)
    assert check_target(link, database=database, replace=True) == real.resolve()


def test_a_folder_without_a_name_of_its_own_is_called_as_it_was_written(tmp_path: Path):
    for folder in (".", "/"):
        with pytest.raises(ConflictError, match=rf"^{re.escape(folder)} is a folder"):
            check_target(Path(folder), database=tmp_path / "memory.sqlite3", replace=True)


def test_links_in_a_circle_are_no_crash(tmp_path: Path):
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    assert check_target(tmp_path / "one", database=tmp_path / "memory", replace=True)
