"""What is handed out, built once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_S = 300


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `scripts/package` fills."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [ROOT / "scripts" / "package", folder],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"},  # noqa: TID251 - pip is configured there
        capture_output=True,
        timeout=BUILD_S,
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The one wheel."""
    (found,) = built.glob("*.whl")
    return found
