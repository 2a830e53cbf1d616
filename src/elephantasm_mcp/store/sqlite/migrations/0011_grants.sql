-- Grants: what an anima, the reader, may read of another, the source. Never changed but to end.

CREATE TABLE grants (
  grant_no    INTEGER PRIMARY KEY,
  uuid        BLOB NOT NULL UNIQUE,
  source_no   INTEGER NOT NULL,
  reader_no   INTEGER NOT NULL,
  -- whose they were when it was given: it is good for nobody else's
  source_user INTEGER NOT NULL REFERENCES users (user_no),
  reader_user INTEGER NOT NULL REFERENCES users (user_no),
  knowledge   INTEGER NOT NULL,
  memories    INTEGER NOT NULL,
  granted_by  INTEGER NOT NULL REFERENCES users (user_no),
  granted_at  INTEGER NOT NULL,
  -- NULL beside a time: one of the two animas was removed or given away
  revoked_by  INTEGER REFERENCES users (user_no),
  revoked_at  INTEGER
) STRICT;
-- one grant that stands for each pair; what an anima reads is one range of it
CREATE UNIQUE INDEX grants_standing ON grants (reader_no, source_no) WHERE revoked_at IS NULL;
CREATE INDEX grants_read ON grants (reader_no);
CREATE INDEX grants_given ON grants (source_no);
