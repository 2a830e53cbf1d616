"""The check-up behind `doctor`: what there is, and what is wrong with it.

Owns the order in which things are looked at; each module here looks at one of them, and adds facts
and findings. Does not print. Invariant: nothing that is wrong ends it; it stands among the
findings, with its remedy. Without `fix` nothing is changed.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from elephantasm_mcp.app import database_path, look_into, open_app, refuse_unbuilt
from elephantasm_mcp.cli.checkup import background, clients, contents, files, models, program
from elephantasm_mcp.cli.checkup.findings import Checkup
from elephantasm_mcp.settings import Settings, load_settings


async def examine(
    *,
    env_file: Path | None,
    recall: bool = False,
    live: bool = False,
    fix: bool = False,
    **given: str | None,
) -> Checkup:
    """Look at everything; `given` are the settings of the command line.

    With `recall` each anima, or the one that is given, is asked for what it holds; with `live` the
    language model is asked a question; with `fix` what can safely be put right is.
    """
    found = Checkup(versions=dict(program.versions()))
    with found.noting("settings"):
        named = {"endpoint": ""} if given.get("database") else {}
        settings = load_settings(env_file=env_file, **given, **named)
        program.examine_settings(found, settings, env_file=env_file, given=given)
        await clients.examine_clients(found)
        if settings.endpoint:
            with found.noting("server"):
                found.server = await _examine_server(settings)
            clients.examine_hooks(found, settings)
            return found
        with found.noting("settings"):
            refuse_unbuilt(settings)
        with found.noting("models"):
            await models.examine_embedders(found, settings)
        with found.noting("models"):
            models.examine_writer(found, settings)
        if live:
            with found.noting("models"):
                await models.ask(found, settings)
        with TemporaryDirectory() as aside:
            opened = settings
            if given.get("database") and not fix:  # it may be a backup: opening would update it
                copy = Path(aside, database_path(settings).name)
                opened = settings.model_copy(update={"database": str(copy)})
            with found.noting("database"):
                await _examine_database(found, settings, opened, fix=fix)
            if recall:
                with found.noting("recall"):
                    await contents.examine_recall(found, opened, anima=given.get("anima_id"))
        clients.examine_hooks(found, settings)
        program.examine_access(found, settings)
    return found


async def _examine_server(settings: Settings) -> str:
    """Ask the server for what only a good key is told.

    Raises:
        ElephantasmError: it cannot be asked, or does not answer well.
    """
    from elephantasm_mcp.sdk import AsyncElephantasm

    async with AsyncElephantasm(
        settings.api_key, endpoint=settings.endpoint, timeout=settings.timeout
    ) as memory:
        return f"it answers, and shows {len(await memory.animas()):,} animas"


async def _examine_database(
    found: Checkup, settings: Settings, opened: Settings, *, fix: bool
) -> None:
    """Look into the database, whatever the other settings are; what is `opened` may be a copy."""
    bare = {"llm": "extractive", "embedder": "none"}
    refuse_unbuilt(settings.model_copy(update=bare))
    path = database_path(settings)
    if not path.exists():
        found.database_note = f"{path} is not there yet; the first use makes it."
        if files.cannot_be_made(path):
            found.wrong(
                "database",
                f"The database {path} cannot be made: its folder is read-only.",
                "Allow this user to write there, or name another file.",
            )
        return
    found.database_note = str(path)
    files.examine(found, path, fix=fix)
    copied = None if opened is settings else await look_into(path, database_path(opened))
    async with open_app(opened.model_copy(update=bare)) as app:
        await contents.examine(found, app, fix=fix, copied=copied)
        await background.examine(found, app, fix=fix)
