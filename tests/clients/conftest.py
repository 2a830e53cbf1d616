"""A machine of each kind, whose home is a folder of the test's own."""

from pathlib import Path

import pytest

from elephantasm_mcp.clients.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine("linux", tmp_path, {})
