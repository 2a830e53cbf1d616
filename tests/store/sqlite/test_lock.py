"""The lock file around writing transactions."""

import threading

import pytest

from elephantasm_mcp.store.sqlite.lock import FileLock

pytest.importorskip("fcntl")


def test_two_holders_exclude_each_other(tmp_path):
    path = tmp_path / "a.lock"
    order = []

    def second():
        lock = FileLock(path, timeout_s=30)
        ready.set()
        with lock.held():
            order.append("second")
        lock.close()

    ready = threading.Event()
    first = FileLock(path, timeout_s=30)
    thread = threading.Thread(target=second)
    with first.held():
        thread.start()
        assert ready.wait(30)
        order.append("first")
    thread.join(30)
    first.close()
    assert order == ["first", "second"]


def test_after_the_timeout_the_block_runs_without_the_lock(tmp_path):
    first, second = (FileLock(tmp_path / "a.lock", timeout_s=0.01) for _ in range(2))
    with first.held(), second.held():
        pass
    with second.held():  # the one that came too late left nothing behind
        pass
    first.close()
    second.close()


def test_where_no_lock_file_can_be_made_the_block_runs_all_the_same(tmp_path):
    lock = FileLock(tmp_path / "missing" / "a.lock", timeout_s=30)
    with lock.held():
        pass
    lock.close()
    assert list(tmp_path.iterdir()) == []
