-- Deep sleep: identity and conflicts as rows of the journal, plans, and what a model's part in a dream was.

-- Identity versions are rows like others: made by an action, linked to their evidence. There were none.
DROP TABLE identities;
CREATE TABLE identities (
  id                  INTEGER PRIMARY KEY,
  anima_no            INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid                BLOB NOT NULL UNIQUE,
  version             INTEGER NOT NULL,
  personality_type    TEXT,
  communication_style TEXT,
  self_reflection     TEXT,
  prose               TEXT NOT NULL,
  -- JSON: each statement with the handles of its evidence
  statements          TEXT NOT NULL,
  synthesizer         TEXT NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL
) STRICT;

-- Two rows that contradict each other, neither plainly newer; asked once, settled for good.
CREATE TABLE conflicts (
  id         INTEGER PRIMARY KEY,
  anima_no   INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  uuid       BLOB NOT NULL UNIQUE,
  version    INTEGER NOT NULL,
  of_layer   TEXT NOT NULL,
  first_id   INTEGER NOT NULL,
  second_id  INTEGER NOT NULL,
  question   TEXT NOT NULL,
  state      TEXT NOT NULL,
  -- which of the two was said to hold; NULL while open, and when both do
  kept_id    INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

ALTER TABLE animas ADD COLUMN identity_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE animas ADD COLUMN conflict_seq INTEGER NOT NULL DEFAULT 0;
-- When deep sleep last ran, and the last action of the journal that it saw.
ALTER TABLE animas ADD COLUMN deep_sleep_at INTEGER;
ALTER TABLE animas ADD COLUMN deep_sleep_upto INTEGER NOT NULL DEFAULT 0;

-- What a dream has to say of itself: that it was rolled back, that a model failed.
ALTER TABLE dreams ADD COLUMN note TEXT NOT NULL DEFAULT '';
-- Who proposed an action, and the tokens that took.
ALTER TABLE dream_actions ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE dream_actions ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;

-- What a dry run proposed, waiting to be accepted.
CREATE TABLE plans (
  uuid        BLOB PRIMARY KEY,
  anima_no    INTEGER NOT NULL REFERENCES animas (anima_no),
  phase       TEXT NOT NULL,
  synthesizer TEXT NOT NULL,
  tokens      INTEGER NOT NULL,
  -- JSON: each operation with what it rests on
  operations  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  completed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX plans_anima ON plans (anima_no, expires_at);
