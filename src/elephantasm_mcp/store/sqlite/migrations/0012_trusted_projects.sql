-- Which projects of this machine may name which anima in a file of theirs.

CREATE TABLE trusted_projects (
  anima_no INTEGER NOT NULL,
  -- the name of the project's own anima, by which one knows a project
  project  TEXT NOT NULL,
  -- where it was when that was said
  folder   TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (anima_no, project)
) STRICT, WITHOUT ROWID;
