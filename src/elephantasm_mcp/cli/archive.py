"""`export` and `import archive`: everything into a file, and back."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final

from elephantasm_mcp.cli.commands import Command
from elephantasm_mcp.cli.connection import with_app
from elephantasm_mcp.cli.output import line, note, progress, say, say_json
from elephantasm_mcp.drafts import check_target, draft
from elephantasm_mcp.errors import StorageError, ValidationError
from elephantasm_mcp.pure.labels import counted

if TYPE_CHECKING:
    from elephantasm_mcp.app import App
    from elephantasm_mcp.memory.archive import TakenIn
    from elephantasm_mcp.types.records import AnimaNo

STDIO: Final = "-"
_NOT_TO_IMPORT: Final = (
    "`import archive` will refuse this archive. Restore a sound backup and export that, or write"
    " what can be read with `export --markdown FOLDER`."
)
_SHOWN: Final = ("event", "memory", "knowledge", "dream")


async def export(app: App, arguments: Namespace) -> int:
    """Write an archive, or a folder of Markdown."""
    from elephantasm_mcp.app import database_path
    from elephantasm_mcp.memory import animas, archive

    chosen = None
    if arguments.anima:
        chosen = [(await animas.find(app.core, app.user, arguments.anima)).anima_no]
    if arguments.markdown:
        return await _export_markdown(app, arguments, chosen)
    if arguments.file == STDIO and arguments.json:
        raise ValidationError(
            "With `-` the archive itself is on standard output: leave out --json."
        )
    database = database_path(app.settings)
    with _created(arguments.file, database=database, replace=arguments.force) as file:
        written = await archive.export(app.core, app.user, chosen, file.write)
    tell: Callable[[str], None] = note if arguments.file == STDIO else say
    if arguments.json:
        say_json(written)
    else:
        tell(f"{counted(len(written.animas), 'anima')} exported: {_rows(written.rows)}.")
    for one in written.unsound:
        note(line(one))
    if written.unsound:
        note(_NOT_TO_IMPORT)
    return 1 if written.unsound else 0


async def _export_markdown(app: App, arguments: Namespace, chosen: list[AnimaNo] | None) -> int:
    from elephantasm_mcp.cli.markdown import write_folder

    if arguments.file == STDIO:
        raise ValidationError("Markdown is many files: name a folder.", field="file")
    written = await write_folder(app, chosen, Path(arguments.file))
    if arguments.json:
        say_json(written)
    else:
        say(f"{counted(len(written.animas), 'anima')} written in {counted(written.files, 'file')}.")
    return 0


async def take_in(app: App, arguments: Namespace) -> int:
    """Take an archive in."""
    from elephantasm_mcp.memory import archive

    with _readable(arguments.file) as (file, size_bytes):

        def lines() -> Iterator[bytes]:
            file.seek(0)
            while text := file.readline(archive.MAX_LINE_BYTES):
                yield text

        with progress("importing", total=size_bytes, unit="B") as on_progress:
            report = await archive.take_in(
                app.core, app.user, lines, dry_run=arguments.dry_run, on_progress=on_progress
            )
    if arguments.json:
        say_json(report)
    else:
        _show(report)
    return 0


def _show(report: TakenIn) -> None:
    would = "would be " if report.dry_run else ""
    for name in report.animas:
        say(f"{line(name)}: {would}made")
    for name in report.known_animas:
        say(f"{line(name)}: known already")
    say(f"{_rows(report.added)} {would}added; {_rows(report.known)} known already.")


def _rows(rows: Mapping[str, int]) -> str:
    """How many rows of the kinds that people know, and of all others."""
    names = {"memory": "memories", "knowledge": "pieces of knowledge"}
    parts = [
        f"{rows[kind]:,} {names[kind]}"
        if kind in names and rows[kind] != 1
        else counted(rows[kind], "piece of knowledge" if kind == "knowledge" else kind)
        for kind in _SHOWN
        if rows.get(kind)
    ]
    others = Counter(rows).total() - sum(rows.get(kind, 0) for kind in (*_SHOWN, "anima"))
    if others:
        parts.append(f"{others:,} others" if parts else counted(others, "row"))
    return ", ".join(parts) or "no rows"


@contextmanager
def _created(name: str, *, database: Path, replace: bool) -> Generator[BinaryIO, None, None]:
    """A new file of that name, which is there once it is whole; or standard output.

    Raises:
        ConflictError: there is such a file, or it is none to write.
        StorageError: it cannot be written.
    """
    if name == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = check_target(Path(name), database=database, replace=replace)
    try:
        with draft(path) as written:
            with written.open("wb") as file:
                yield file
            written.replace(path)
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written: {error.strerror}.") from error


@contextmanager
def _readable(name: str) -> Generator[tuple[BinaryIO, int], None, None]:
    """A file that can be read from its beginning again, and its size.

    Raises:
        ValidationError: it cannot be read.
    """
    try:
        if name == STDIO:
            file: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed below
            copyfileobj(sys.stdin.buffer, file)
        else:
            file = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening is explained
    except OSError as error:
        raise ValidationError(f"{name} cannot be read.", hint="Name a file.") from error
    with file:
        size_bytes = file.seek(0, 2)
        yield file, size_bytes


def _export_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="the file to write, or the folder; `-` is standard output"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="write a folder of files to read instead"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def _import_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="an archive; `-` is standard input")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would come of it, and keep nothing"
    )


EXPORT = Command(
    name="export",
    summary="write everything to one file, or to a folder of Markdown",
    details="Write all of your animas, or the one of --anima, to one archive: a JSON object a "
    "line, with every event, memory, piece of knowledge and version of the identity, their sources "
    "and quotes, settings, and the journal with what stood there before and after each change. "
    "`import archive` takes it in, on this machine or another. With --markdown the folder has what "
    "holds now, to be read; it must be empty, or an earlier export, whose files are replaced. Exit "
    "code 1: nothing was written, or what does not agree with itself, which is named.",
    run=with_app(export),
    options=_export_options,
    examples=(
        "elephantasm-mcp export memory.jsonl",
        "elephantasm-mcp export --anima my-agent - | gzip > my-agent.jsonl.gz",
        "elephantasm-mcp export --markdown notes",
    ),
)
ARCHIVE = Command(
    name="archive",
    summary="everything that `export` wrote",
    details="Take in an archive, as a whole or not at all. Its animas come with ids, handles, "
    "settings and journal, and become yours. What is there already is left; where something else "
    "has a name, a handle or an id, or a row changed since, nothing is imported and the row is "
    "named.",
    run=with_app(take_in),
    options=_import_options,
    shared=("--database", "--env-file", "--json"),
    examples=(
        "elephantasm-mcp import archive memory.jsonl",
        "elephantasm-mcp import archive memory.jsonl --dry-run",
    ),
)
