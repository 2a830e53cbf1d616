"""Files of clients: as they were, or as they should be."""

import os
import stat
from pathlib import Path

import pytest

from elephantasm_mcp.clients.files import BACKUP, MAX_BYTES, load, save
from elephantasm_mcp.errors import ConflictError, ValidationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_bytes(b"before\r\n")
    return path


def test_what_was_there_stands_beside_what_is(path: Path):
    path.chmod(0o640)
    backup = save(load(path), "after\r\n")
    assert backup == path.with_name(f"settings.json{BACKUP}")
    assert (path.read_bytes(), backup.read_bytes()) == (b"after\r\n", b"before\r\n")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, backup)] == [0o640, 0o640]
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name, backup.name]


def test_no_backup_takes_the_place_of_another(path: Path):
    first = save(load(path), "second")
    second = save(load(path), "third")
    assert first != second
    assert (first.read_bytes(), second.read_bytes()) == (b"before\r\n", b"second")


def test_a_link_stays_a_link(path: Path, tmp_path: Path):
    link = tmp_path / "elsewhere" / "link.json"
    link.parent.mkdir()
    link.symlink_to(path)
    save(load(link), "after")
    assert link.is_symlink()
    assert path.read_text() == "after"


def test_a_new_file_is_its_owners_alone_and_has_no_backup(tmp_path: Path):
    path = tmp_path / "a" / "b" / "new.json"
    assert save(load(path), "{}") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["new.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser writes for others")
def test_the_file_of_another_user_stays_theirs(path: Path):
    os.chown(path, 1234, 1234)
    save(load(path), "after")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1234)


def test_a_byte_order_mark_is_kept(path: Path):
    path.write_bytes(b"\xef\xbb\xbf{}")
    file = load(path)
    save(file, file.text + "\n")
    assert path.read_bytes() == b"\xef\xbb\xbf{}\n"


def test_a_read_only_file_is_refused_and_named(path: Path):
    path.chmod(0o444)
    with pytest.raises(ValidationError, match=r"settings\.json is read-only"):
        save(load(path), "after")
    assert path.read_text() == "before\n"
    assert list(path.parent.iterdir()) == [path]


def test_what_somebody_else_changed_meanwhile_is_left_alone(path: Path):
    file = load(path)
    path.write_text("theirs")
    with pytest.raises(ConflictError, match=r"settings\.json"):
        save(file, "ours")
    assert path.read_text() == "theirs"
    assert not list(path.parent.glob(".settings*"))


def test_what_somebody_else_made_meanwhile_is_left_alone(tmp_path: Path):
    path = tmp_path / "new.json"
    file = load(path)
    path.write_text("theirs")
    with pytest.raises(ConflictError):
        save(file, "ours")
    assert path.read_text() == "theirs"


def test_what_is_no_text_is_refused_and_named(path: Path):
    path.write_bytes(b"\xff\xfe{\x00}\x00")
    with pytest.raises(ValidationError, match=r"settings\.json is no UTF-8"):
        load(path)


def test_what_cannot_be_read_is_refused_and_named(tmp_path: Path):
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    for path in (tmp_path, loop):
        with pytest.raises(ValidationError, match=path.name):
            load(path)


def test_what_is_too_large_for_settings_is_refused(path: Path):
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(ValidationError, match="too large"):
        load(path)
