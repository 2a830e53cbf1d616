-- Calls of language models, and work orders for agents that are the language model themselves.

-- Written before a call, so that its tokens are set aside, and again after it. Holds no text of events.
CREATE TABLE calls (
  call_no     INTEGER PRIMARY KEY AUTOINCREMENT,
  anima_no    INTEGER NOT NULL,
  -- the dream that it was made for, once that has begun
  dream_id    INTEGER,
  purpose     TEXT NOT NULL,
  model       TEXT NOT NULL,
  at          INTEGER NOT NULL,
  -- what counts against the day's budget: an estimate until the call has come to an end
  tokens      INTEGER NOT NULL,
  tokens_in   INTEGER NOT NULL DEFAULT 0,
  tokens_out  INTEGER NOT NULL DEFAULT 0,
  cost_usd    REAL,
  duration_us INTEGER,
  outcome     TEXT NOT NULL,
  error       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX calls_at ON calls (at);
CREATE INDEX calls_dream ON calls (dream_id) WHERE dream_id IS NOT NULL;

-- Events of which a model would, or could, make nothing: it is not asked again unless a person says so.
CREATE TABLE unmade (
  event_id INTEGER NOT NULL,
  model    TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (event_id, model)
) STRICT, WITHOUT ROWID;

-- Events that a connected agent was asked to make memories of.
CREATE TABLE work_orders (
  order_no   INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid       BLOB NOT NULL UNIQUE,
  anima_no   INTEGER NOT NULL,
  user_no    INTEGER NOT NULL,
  events     TEXT NOT NULL,
  state      TEXT NOT NULL DEFAULT 'open',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  dream_id   INTEGER
) STRICT;
CREATE UNIQUE INDEX work_orders_open ON work_orders (anima_no, user_no) WHERE state = 'open';
