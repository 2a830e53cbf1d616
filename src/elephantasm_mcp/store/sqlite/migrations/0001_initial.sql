-- The first schema: every layer, the journal, jobs, and what later releases need of users and keys.
--
-- Row ids of per-anima tables are `anima_no << 32 | seq`, so each anima is one range of each B-tree;
-- `anima_no` is a virtual column for the secondary indexes. Times are microseconds since 1970 (UTC).
-- UUIDs are 16 bytes. JSON is text with sorted keys.

CREATE TABLE properties (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  user_no    INTEGER PRIMARY KEY,
  uuid       BLOB NOT NULL UNIQUE,
  name       TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
  uuid         BLOB PRIMARY KEY,
  user_no      INTEGER NOT NULL REFERENCES users (user_no),
  name         TEXT NOT NULL,
  prefix       TEXT NOT NULL,
  digest       BLOB NOT NULL UNIQUE,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE animas (
  anima_no       INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid           BLOB NOT NULL UNIQUE,
  user_no        INTEGER NOT NULL REFERENCES users (user_no),
  name           TEXT NOT NULL,
  description    TEXT,
  meta           TEXT,
  settings       TEXT NOT NULL DEFAULT '{}',
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  -- the last number given out in each layer; a number is never reused
  event_seq      INTEGER NOT NULL DEFAULT 0,
  memory_seq     INTEGER NOT NULL DEFAULT 0,
  knowledge_seq  INTEGER NOT NULL DEFAULT 0,
  dream_seq      INTEGER NOT NULL DEFAULT 0,
  action_seq     INTEGER NOT NULL DEFAULT 0,
  -- moves with every change that a pack or a search could show
  revision       INTEGER NOT NULL DEFAULT 0,
  -- moves when a stored vector was replaced or removed, not when one was added
  vector_epoch   INTEGER NOT NULL DEFAULT 0,
  -- what is pending, kept in step by the statements that change an event's state
  pending_events INTEGER NOT NULL DEFAULT 0,
  pending_tokens INTEGER NOT NULL DEFAULT 0,
  pending_since  INTEGER,
  last_event_at  INTEGER,
  light_sleep_at INTEGER,
  UNIQUE (user_no, name)
) STRICT;

CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  anima_no     INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid         BLOB NOT NULL UNIQUE,
  event_type   TEXT NOT NULL,
  role         TEXT,
  author       TEXT,
  summary      TEXT,
  content      TEXT NOT NULL,
  occurred_at  INTEGER NOT NULL,
  session_id   TEXT,
  meta         TEXT NOT NULL DEFAULT '{}',
  source_uri   TEXT,
  dedupe_key   TEXT,
  content_hash BLOB NOT NULL,
  importance   REAL,
  tokens       INTEGER NOT NULL,
  redactions   INTEGER NOT NULL DEFAULT 0,
  trust        TEXT NOT NULL,
  state        TEXT NOT NULL DEFAULT 'pending',
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  -- derived: how many words the full-text index holds of it; NULL until it is indexed
  indexed_words INTEGER
) STRICT;
CREATE UNIQUE INDEX events_dedupe_key ON events (anima_no, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX events_content_hash ON events (content_hash, occurred_at);
CREATE INDEX events_time ON events (anima_no, occurred_at, id);
CREATE INDEX events_session ON events (anima_no, session_id, occurred_at, id);
CREATE INDEX events_author ON events (anima_no, author) WHERE author IS NOT NULL;
CREATE INDEX events_state ON events (state, id) WHERE state <> 'settled';
CREATE INDEX events_unindexed ON events (id) WHERE indexed_words IS NULL;

CREATE TABLE memories (
  id               INTEGER PRIMARY KEY,
  anima_no         INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid             BLOB NOT NULL UNIQUE,
  version          INTEGER NOT NULL,
  summary          TEXT NOT NULL,
  content          TEXT NOT NULL,
  importance       REAL NOT NULL,
  confidence       REAL NOT NULL,
  state            TEXT NOT NULL,
  time_start       INTEGER NOT NULL,
  time_end         INTEGER NOT NULL,
  session_id       TEXT,
  meta             TEXT NOT NULL DEFAULT '{}',
  provisional      INTEGER NOT NULL,
  synthesizer      TEXT NOT NULL,
  pinned           INTEGER NOT NULL DEFAULT 0,
  trust            TEXT NOT NULL,
  superseded_by    INTEGER,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  -- derived: outside the journal
  recency_score    REAL,
  decay_score      REAL,
  access_count     INTEGER NOT NULL DEFAULT 0,
  last_accessed_at INTEGER,
  indexed_words    INTEGER
) STRICT;
CREATE INDEX memories_time ON memories (anima_no, time_end, id);
CREATE INDEX memories_hidden ON memories (id)
WHERE (superseded_by IS NOT NULL OR state = 'archived');
CREATE INDEX memories_unindexed ON memories (id) WHERE indexed_words IS NULL;

CREATE TABLE knowledge (
  id            INTEGER PRIMARY KEY,
  anima_no      INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid          BLOB NOT NULL UNIQUE,
  version       INTEGER NOT NULL,
  type          TEXT NOT NULL,
  content       TEXT NOT NULL,
  confidence    REAL NOT NULL,
  valid_from    INTEGER,
  valid_until   INTEGER,
  memory_id     INTEGER,
  provisional   INTEGER NOT NULL,
  synthesizer   TEXT NOT NULL,
  pinned        INTEGER NOT NULL DEFAULT 0,
  trust         TEXT NOT NULL,
  superseded_by INTEGER,
  archived      INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  -- derived: outside the journal
  indexed_words INTEGER
) STRICT;
CREATE INDEX knowledge_memory ON knowledge (memory_id) WHERE memory_id IS NOT NULL;
CREATE INDEX knowledge_hidden ON knowledge (id)
WHERE (superseded_by IS NOT NULL OR archived = 1);
CREATE INDEX knowledge_unindexed ON knowledge (id) WHERE indexed_words IS NULL;

CREATE TABLE identities (
  anima_no            INTEGER NOT NULL REFERENCES animas (anima_no),
  version             INTEGER NOT NULL,
  personality_type    TEXT,
  communication_style TEXT,
  self_reflection     TEXT,
  prose               TEXT NOT NULL,
  synthesizer         TEXT NOT NULL,
  created_at          INTEGER NOT NULL,
  PRIMARY KEY (anima_no, version)
) STRICT, WITHOUT ROWID;

-- From a derived row down to what it was made of: a memory's events, a knowledge item's events.
CREATE TABLE links (
  layer     TEXT NOT NULL,
  id        INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  source_layer TEXT NOT NULL,
  source_id INTEGER NOT NULL,
  quote     TEXT,
  PRIMARY KEY (layer, id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_source ON links (source_layer, source_id, layer, id);

CREATE TABLE vectors (
  layer  TEXT NOT NULL,
  model  TEXT NOT NULL,
  id     INTEGER NOT NULL,
  vector BLOB NOT NULL,
  PRIMARY KEY (layer, model, id)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE event_text USING fts5 (
  text, around, content = '', contentless_delete = 1,
  tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE memory_text USING fts5 (
  text, around, content = '', contentless_delete = 1,
  tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE knowledge_text USING fts5 (
  text, around, content = '', contentless_delete = 1,
  tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO event_text (event_text, rank) VALUES ('secure-delete', 1);
INSERT INTO memory_text (memory_text, rank) VALUES ('secure-delete', 1);
INSERT INTO knowledge_text (knowledge_text, rank) VALUES ('secure-delete', 1);

-- How much each anima has indexed, in the full text (model 'text') and with each embedding model.
-- Rows and words of the text are the N and the mean length of BM25; fewer vectors than texts means
-- that vectors are missing.
CREATE TABLE index_totals (
  anima_no INTEGER NOT NULL,
  layer    TEXT NOT NULL,
  model    TEXT NOT NULL,
  rows     INTEGER NOT NULL,
  words    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (anima_no, layer, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE dreams (
  id          INTEGER PRIMARY KEY,
  anima_no    INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid        BLOB NOT NULL UNIQUE,
  phase       TEXT NOT NULL,
  actor       TEXT NOT NULL,
  synthesizer TEXT NOT NULL DEFAULT '',
  started_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  counts      TEXT NOT NULL,
  tokens      INTEGER NOT NULL DEFAULT 0,
  undoes      INTEGER,
  undone_by   INTEGER
) STRICT;

CREATE TABLE dream_actions (
  dream_id  INTEGER NOT NULL REFERENCES dreams (id),
  -- ascends over all dreams of an anima: two that run at once each change rows after the other
  position  INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  layer     TEXT NOT NULL,
  row_id    INTEGER NOT NULL,
  before    TEXT,
  after     TEXT,
  sources   TEXT NOT NULL DEFAULT '[]',
  reasoning TEXT NOT NULL DEFAULT '',
  -- what was done, and a digest of what decided it: an undone operation waits until that changes
  operation TEXT NOT NULL,
  inputs    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (dream_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX dream_actions_row ON dream_actions (layer, row_id, dream_id);

-- Which events a dream consumed, so that an undo can give them back.
CREATE TABLE dream_events (
  dream_id INTEGER NOT NULL REFERENCES dreams (id),
  event_id INTEGER NOT NULL,
  before   TEXT NOT NULL,
  PRIMARY KEY (dream_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dream_events_event ON dream_events (event_id);

-- Operations that a person took back: not done again until their inputs change.
CREATE TABLE declined (
  layer     TEXT NOT NULL,
  row_id    INTEGER NOT NULL,
  operation TEXT NOT NULL,
  inputs    TEXT NOT NULL,
  PRIMARY KEY (layer, row_id, operation)
) STRICT, WITHOUT ROWID;

-- Uses of memories in packs, counted here until light sleep folds them in.
CREATE TABLE accesses (
  memory_id INTEGER PRIMARY KEY,
  uses      INTEGER NOT NULL,
  last_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE packs (
  anima_no    INTEGER NOT NULL REFERENCES animas (anima_no),
  user_no     INTEGER NOT NULL REFERENCES users (user_no),
  client      TEXT NOT NULL,
  hash        TEXT NOT NULL,
  items       TEXT NOT NULL,
  compiled_at INTEGER NOT NULL,
  PRIMARY KEY (anima_no, user_no, client)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  job_no      INTEGER PRIMARY KEY AUTOINCREMENT,
  anima_no    INTEGER NOT NULL REFERENCES animas (anima_no),
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  run_at      INTEGER NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  fence       INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until INTEGER,
  last_error  TEXT
) STRICT;
CREATE UNIQUE INDEX jobs_live ON jobs (anima_no, kind) WHERE state IN ('pending', 'running');
CREATE INDEX jobs_due ON jobs (run_at) WHERE state IN ('pending', 'running');

-- How the background task of each process is: for doctor, which is another process.
CREATE TABLE workers (
  owner      TEXT PRIMARY KEY,
  state      TEXT NOT NULL,
  last_error TEXT,
  since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  user_no    INTEGER NOT NULL REFERENCES users (user_no),
  key        TEXT NOT NULL,
  request    BLOB NOT NULL,
  response   TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_no, key)
) STRICT, WITHOUT ROWID;
