"""Tests in here start, load and kill real server processes, so their deadlines are wide."""

from pathlib import Path

import pytest

DEADLINE_S = 240


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """More kills need more time."""
    here = Path(__file__).parent
    deadline_s = DEADLINE_S * int(config.getoption("--thorough"))
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(deadline_s))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "memory.sqlite3"
