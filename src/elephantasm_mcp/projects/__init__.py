"""Projects: which anima belongs to the folder that somebody works in.

Owns what a folder is called (`folders`), how the remotes of a repository are read and named
(`git`), and what a file of a repository may ask for (`files`). Does not open a database: whether
the anima that a file names may be used is decided in `memory.animas`. Invariant: nothing is run and
nothing is raised; what cannot be read is as if it were not there, or is told in `Project.note`.
"""

from elephantasm_mcp.projects.folders import DEFAULT, PROJECT, Project, Source, project_of

__all__ = ["DEFAULT", "PROJECT", "Project", "Source", "project_of"]
