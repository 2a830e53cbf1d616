"""Trust: which project may name which anima in a file of its own.

Owns allowing that and taking it back; what follows from it is decided in `animas`. Invariant: only
who owns an anima lets a project name it.
"""

from pathlib import Path
from uuid import UUID

from elephantasm_mcp.errors import NotFoundError, ValidationError
from elephantasm_mcp.memory import animas
from elephantasm_mcp.memory.core import Core
from elephantasm_mcp.ports import Tx
from elephantasm_mcp.projects import Project, project_of
from elephantasm_mcp.store import trust as store
from elephantasm_mcp.types.grants import Trusted
from elephantasm_mcp.types.records import User


async def allow(core: Core, user: User, ref: UUID | str, folder: Path) -> Trusted:
    """Let the project of a folder name an anima; one that it may name stays as it is.

    Raises:
        NotFoundError: an unknown anima.
        ValidationError: the folder is in no project, or not there.
    """
    project = _project(folder)

    def write(tx: Tx) -> Trusted:
        anima = animas.find_or_make(tx, core, user, ref)
        store.add(tx, anima.anima_no, project, now=core.clock.now())
        return next(
            one
            for one in store.list_for(tx, user)
            if (one.anima_id, one.project) == (anima.id, project.name)
        )

    return await core.database.write(write)


async def take_back(core: Core, user: User, ref: UUID | str, folder: Path) -> str:
    """Let the project of a folder no longer name an anima; gives what that project is called.

    Raises:
        NotFoundError: an unknown anima, or the project might not name it.
        ValidationError: the folder is in no project.
    """
    project = _project(folder, there=False)
    target = await animas.find(core, user, ref)
    if not await core.database.write(store.remove, target.anima_no, project):
        raise NotFoundError(
            f"{project.name} may not name {target.anima.name!r} as it is.",
            hint="`elephantasm-mcp animas trust` lists which project may name which anima.",
        )
    return project.name


async def list_all(core: Core, user: User) -> list[Trusted]:
    """Which projects may name which animas of a user."""
    return await core.database.read(store.list_for, user)


def _project(folder: Path, *, there: bool = True) -> Project:
    project = project_of(folder)
    if project.source == "none" or (there and not project.root.is_dir()):
        raise ValidationError(
            f"{project.root} is no project.", field="folder", hint="Name the folder of one."
        )
    return project
