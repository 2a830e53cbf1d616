"""Trust in the store: which project may name which anima in a file of its own.

Owns those rows. Invariant: a project is known by the name of its own anima, never by what a file of
it says.
"""

from datetime import datetime

from elephantasm_mcp.ports import Tx, Value
from elephantasm_mcp.projects import Project
from elephantasm_mcp.store.values import from_micros, to_micros, to_uuid
from elephantasm_mcp.types.grants import Trusted
from elephantasm_mcp.types.records import AnimaNo, User


def add(tx: Tx, anima_no: AnimaNo, project: Project, *, now: datetime) -> bool:
    """Let a project name an anima; False when somebody let it already."""
    added = tx.run(
        "trust_project",
        anima_no=anima_no,
        project=project.name,
        folder=str(project.root),
        now=to_micros(now),
    )
    return added > 0


def remove(tx: Tx, anima_no: AnimaNo, project: Project) -> bool:
    """Take that back from a project, or from the one that was in its folder; False when none might.

    A folder that is gone, or is no repository any more, does not say what it was called.
    """
    given: dict[str, Value] = {"project": project.name, "folder": str(project.root)}
    return tx.run("distrust_project", anima_no=anima_no, **given) > 0


def remove_all(tx: Tx, anima_no: AnimaNo) -> None:
    """Let no project name an anima any more."""
    tx.run("distrust_all", anima_no=anima_no)


def is_trusted(tx: Tx, anima_no: AnimaNo, project: Project) -> bool:
    """Whether a project may name an anima."""
    return tx.one("trusted_project", anima_no=anima_no, project=project.name) is not None


def list_for(tx: Tx, user: User) -> list[Trusted]:
    """Which projects may name which animas of a user."""
    found = [
        Trusted(
            anima=row["anima"],
            anima_id=to_uuid(row["uuid"]),
            project=row["project"],
            folder=row["folder"],
            since=from_micros(row["at"]),
        )
        for row in tx.all("trusted_projects", user_no=user.no)
    ]
    return [one for one in found if user.animas is None or one.anima_id in user.animas]
