"""How tests run uv, which fetches into a cache of theirs, from where the user has it look."""

import os
import sys
from pathlib import Path

import platformdirs

UV = Path(sys.executable).with_name("uv")
UVX = Path(sys.executable).with_name("uvx")
FETCH_S = 300
_ASKED_FOR = ("UV_", "SSL_", "PIP_CERT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def uv_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has uv, and nothing of ours."""
    return {
        **{name: value for name, value in os.environ.items() if name.startswith(_ASKED_FOR)},  # noqa: TID251 - how this machine reaches the index
        "PATH": f"{UV.parent}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "UV_CACHE_DIR": str(platformdirs.user_cache_path("elephantasm-mcp-tests") / "uv"),
        "UV_PYTHON": sys.executable,
        "UV_NO_PROGRESS": "1",
        **more,
    }
