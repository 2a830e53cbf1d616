"""Everything that is handed out, built into one folder: `scripts/package [FOLDER]`.

Owns where the version stands besides `pyproject.toml`, and the README's install links. Invariant:
the version is set by hand in `pyproject.toml` alone; `--check` says what is out of step, and writes
nothing.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import links

ROOT: Final = Path(__file__).resolve().parent.parent
BUNDLE: Final = Path("distribution", "mcpb")
BUNDLED: Final = ("manifest.json", "pyproject.toml", "src/server.py")
OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of files in the bundle, so that the same files make the same bytes."""
LINKS: Final = r"(?<=<!-- install links -->\n).*?(?=\n<!-- end -->)"


def main() -> int:
    """Bring everything to the version of `pyproject.toml`, then build."""
    parser = argparse.ArgumentParser(prog="scripts/package", description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    arguments = parser.parse_args()
    stale = {file: text for file, text in stamped(version()) if text != file.read_text("utf-8")}
    if arguments.check:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is out of step; run scripts/package")
        return 1 if stale else 0
    for file, text in stale.items():
        file.write_text(text, "utf-8")
    for made in build(arguments.folder):
        print(made)
    return 0


def version() -> str:
    """The version of the package."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def stamped(now: str) -> Iterator[tuple[Path, str]]:
    """Each file that says the version or how to install, and what it has to say."""
    for pattern, said, by in (
        ("server.json", r'(?<="version": ")[^"]*', now),
        ("distribution/mcpb/manifest.json", r'(?<="version": ")[^"]*', now),
        ("distribution/mcpb/pyproject.toml", r'(?<=\nversion = ")[^"]*|(?<===)[^"]*', now),
        ("compose.yaml", r"(?<=image: elephantasm-mcp:)\S+", now),
        ("plugins/*/.claude-plugin/plugin.json", r'(?<="version": ")[^"]*', now),
        (".claude-plugin/marketplace.json", r'(?<="version": ")[^"]*', now),
        ("README.md", LINKS, links.markdown()),
    ):
        for file in sorted(ROOT.glob(pattern)):
            yield file, re.sub(said, by, file.read_text("utf-8"), flags=re.DOTALL)


def build(folder: Path) -> list[Path]:
    """The wheel, the source, the bundle, what the registry is told, and the links for web pages."""
    folder.mkdir(parents=True, exist_ok=True)
    now = version()
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    bundle = folder / f"elephantasm-mcp-{now}.mcpb"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in BUNDLED:
            archive.writestr(zipfile.ZipInfo(name, OLDEST), (ROOT / BUNDLE / name).read_bytes())
        archive.writestr(zipfile.ZipInfo("LICENSE", OLDEST), (ROOT / "LICENSE").read_bytes())
    shutil.copy(ROOT / "server.json", folder)
    (folder / "links.json").write_text(_dump(links.deep_links()), "utf-8")
    return [
        *sorted(folder.glob(f"elephantasm_mcp-{now}*")),
        bundle,
        folder / "server.json",
        folder / "links.json",
    ]


def _dump(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
