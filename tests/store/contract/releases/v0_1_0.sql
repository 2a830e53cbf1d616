PRAGMA application_id = 1162626384;
PRAGMA user_version = 1;
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
CREATE TABLE links (
  layer     TEXT NOT NULL,
  id        INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  source_layer TEXT NOT NULL,
  source_id INTEGER NOT NULL,
  quote     TEXT,
  PRIMARY KEY (layer, id, position)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE dream_events (
  dream_id INTEGER NOT NULL REFERENCES dreams (id),
  event_id INTEGER NOT NULL,
  before   TEXT NOT NULL,
  PRIMARY KEY (dream_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE declined (
  layer     TEXT NOT NULL,
  row_id    INTEGER NOT NULL,
  operation TEXT NOT NULL,
  inputs    TEXT NOT NULL,
  PRIMARY KEY (layer, row_id, operation)
) STRICT, WITHOUT ROWID;
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
DELETE FROM properties;
INSERT INTO properties (key, value) VALUES ('secret',X'736563726574');
DELETE FROM users;
INSERT INTO users (user_no, uuid, name, created_at) VALUES (1,X'00000000000070008000000000000001','local',1772447400000000);
DELETE FROM api_keys;
DELETE FROM animas;
INSERT INTO animas (anima_no, uuid, user_no, name, description, meta, settings, created_at, updated_at, event_seq, memory_seq, knowledge_seq, dream_seq, action_seq, revision, vector_epoch, pending_events, pending_tokens, pending_since, last_event_at, light_sleep_at) VALUES (1,X'00000000000070008000000000000003',1,'default',NULL,NULL,'{}',1772447400000000,1772447400000000,3,2,2,3,6,10,0,1,10,1772447400000000,1772447400000000,1772447400000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence (name, seq) VALUES ('animas',1);
DELETE FROM events;
INSERT INTO events (id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri, dedupe_key, content_hash, importance, tokens, redactions, trust, state, created_at, updated_at, indexed_words) VALUES (4294967297,X'00000000000070008000000000000002','message.in','user','Nadia',NULL,'Nadia is allergic to hazelnuts.',1772447400000000,'s','{}',NULL,NULL,X'C917E3BF0A4848D67E2692C1E3E7E2B2',NULL,11,0,'told','settled',1772447400000000,1772447400000000,9);
INSERT INTO events (id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri, dedupe_key, content_hash, importance, tokens, redactions, trust, state, created_at, updated_at, indexed_words) VALUES (4294967298,X'00000000000070008000000000000008','message.in','user','Bo',NULL,'Bo likes rum.',1772447400000000,'s','{}',NULL,NULL,X'A060F2AC4A5744D35425BD9EAE87A57A',NULL,6,0,'told','held',1772447400000000,1772447400000000,7);
INSERT INTO events (id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri, dedupe_key, content_hash, importance, tokens, redactions, trust, state, created_at, updated_at, indexed_words) VALUES (4294967299,X'0000000000007000800000000000000E','message.in','user',NULL,NULL,'Billing moves to PostgreSQL.',1772447400000000,NULL,'{}','file:///plan.md',NULL,X'2C7B7D79AA3A71C63BC83D83E10FD5DC',NULL,10,0,'reported','pending',1772447400000000,1772447400000000,8);
DELETE FROM memories;
INSERT INTO memories (id, uuid, version, summary, content, importance, confidence, state, time_start, time_end, session_id, meta, provisional, synthesizer, pinned, trust, superseded_by, created_at, updated_at, recency_score, decay_score, access_count, last_accessed_at, indexed_words) VALUES (4294967297,X'00000000000070008000000000000006',1,'Heard: Nadia is allergic to hazelnuts.','Heard: Nadia is allergic to hazelnuts.',0.5,0.8,'active',1772447400000000,1772447400000000,'s','{}',0,'each-1',0,'told',NULL,1772447400000000,1772447400000000,1.0,0.0,0,NULL,12);
DELETE FROM knowledge;
INSERT INTO knowledge (id, uuid, version, type, content, confidence, valid_from, valid_until, memory_id, provisional, synthesizer, pinned, trust, superseded_by, archived, created_at, updated_at, indexed_words) VALUES (4294967297,X'00000000000070008000000000000007',1,'FACT','It was said: Nadia is allergic to hazelnuts.',0.9,1772447400000000,NULL,4294967297,0,'each-1',0,'told',NULL,0,1772447400000000,1772447400000000,8);
DELETE FROM identities;
DELETE FROM links;
INSERT INTO links (layer, id, position, source_layer, source_id, quote) VALUES ('knowledge',4294967297,0,'event',4294967297,'Nadia is allergic to hazelnuts.');
INSERT INTO links (layer, id, position, source_layer, source_id, quote) VALUES ('memory',4294967297,0,'event',4294967297,'Nadia is allergic to hazelnuts.');
DELETE FROM vectors;
INSERT INTO vectors (layer, model, id, vector) VALUES ('event','hash-16:1',4294967297,X'40407F0000000000007F0000407F0000');
INSERT INTO vectors (layer, model, id, vector) VALUES ('event','hash-16:1',4294967298,X'00002A00002A0000002A00007F002A00');
INSERT INTO vectors (layer, model, id, vector) VALUES ('event','hash-16:1',4294967299,X'4040407F000000000040000040004000');
INSERT INTO vectors (layer, model, id, vector) VALUES ('knowledge','hash-16:1',4294967297,X'40407F00004000000040000000400040');
INSERT INTO vectors (layer, model, id, vector) VALUES ('memory','hash-16:1',4294967297,X'7F7F7F7F00000000007F0000007F0000');
DELETE FROM event_text_data;
INSERT INTO event_text_data (id, block) VALUES (1,X'031808');
INSERT INTO event_text_data (id, block) VALUES (10,X'00000001FF00000101010100010101010101000003');
INSERT INTO event_text_data (id, block) VALUES (137438953473,X'00000107023032908080800102020102020102020203303236908080800102040102040102040106616C6C657267908080800102080106010104010462696C6C9080808003020602016F90808080010601010201040503010868617A656C6E75749080808001020A01060101060102697390808080010207010601010301046C696B6590808080010601010301020701056D617263689080808001020301020301020302036F76659080808003020701056E6164696190808080010405030106010102010A706F737467726573716C90808080030209010372756D9080808001060101040102080102746F90808080010209010601010501020801047573657290808080030205041012140D10161012140C14131113');
DELETE FROM event_text_idx;
INSERT INTO event_text_idx (segid, term, pgno) VALUES (1,X'',2);
DELETE FROM event_text_docsize;
INSERT INTO event_text_docsize (id, sz, origin) VALUES (4294967297,X'0903',1);
INSERT INTO event_text_docsize (id, sz, origin) VALUES (4294967298,X'0705',1);
INSERT INTO event_text_docsize (id, sz, origin) VALUES (4294967299,X'0800',1);
DELETE FROM event_text_config;
INSERT INTO event_text_config (k, v) VALUES ('secure-delete',1);
INSERT INTO event_text_config (k, v) VALUES ('version',4);
DELETE FROM memory_text_data;
INSERT INTO memory_text_data (id, block) VALUES (1,X'010C00');
INSERT INTO memory_text_data (id, block) VALUES (10,X'00000001FF00000101010100010101010101000001');
INSERT INTO memory_text_data (id, block) VALUES (137438953473,X'0000005B0730616C6C6572679080808001040508010868617A656C6E75749080808001040708020465617264908080800104020801026973908080800104040801056E6164696190808080010403080102746F90808080010406080410120E0C0F');
DELETE FROM memory_text_idx;
INSERT INTO memory_text_idx (segid, term, pgno) VALUES (1,X'',2);
DELETE FROM memory_text_docsize;
INSERT INTO memory_text_docsize (id, sz, origin) VALUES (4294967297,X'0C00',1);
DELETE FROM memory_text_config;
INSERT INTO memory_text_config (k, v) VALUES ('secure-delete',1);
INSERT INTO memory_text_config (k, v) VALUES ('version',4);
DELETE FROM knowledge_text_data;
INSERT INTO knowledge_text_data (id, block) VALUES (1,X'010800');
INSERT INTO knowledge_text_data (id, block) VALUES (10,X'00000001FF00000101010100010101010101000001');
INSERT INTO knowledge_text_data (id, block) VALUES (137438953473,X'0000006A0730616C6C65726790808080010207010868617A656C6E75749080808001020901026973908080800102060201749080808001020201056E6164696190808080010205010473616964908080800102040102746F908080800102080102776190808080010203040F110B0A0E0D0B');
DELETE FROM knowledge_text_idx;
INSERT INTO knowledge_text_idx (segid, term, pgno) VALUES (1,X'',2);
DELETE FROM knowledge_text_docsize;
INSERT INTO knowledge_text_docsize (id, sz, origin) VALUES (4294967297,X'0800',1);
DELETE FROM knowledge_text_config;
INSERT INTO knowledge_text_config (k, v) VALUES ('secure-delete',1);
INSERT INTO knowledge_text_config (k, v) VALUES ('version',4);
DELETE FROM index_totals;
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'event','hash-16:1',3,0);
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'event','text',3,24);
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'knowledge','hash-16:1',1,0);
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'knowledge','text',1,8);
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'memory','hash-16:1',1,0);
INSERT INTO index_totals (anima_no, layer, model, rows, words) VALUES (1,'memory','text',1,12);
DELETE FROM dreams;
INSERT INTO dreams (id, uuid, phase, actor, synthesizer, started_at, finished_at, counts, tokens, undoes, undone_by) VALUES (4294967297,X'00000000000070008000000000000005','auto','user','each-1',1772447400000000,1772447400000000,'{"events":1,"knowledge":1,"memories":1}',0,NULL,NULL);
INSERT INTO dreams (id, uuid, phase, actor, synthesizer, started_at, finished_at, counts, tokens, undoes, undone_by) VALUES (4294967298,X'0000000000007000800000000000000A','auto','user','each-1',1772447400000000,1772447400000000,'{"events":1,"knowledge":1,"memories":1}',0,NULL,4294967299);
INSERT INTO dreams (id, uuid, phase, actor, synthesizer, started_at, finished_at, counts, tokens, undoes, undone_by) VALUES (4294967299,X'0000000000007000800000000000000D','undo','user','',1772447400000000,1772447400000000,'{"events_held":1,"removed":2,"restored":0}',0,4294967298,NULL);
DELETE FROM dream_actions;
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967297,1,'create','memory',4294967297,NULL,'{"confidence":0.8,"content":"Heard: Nadia is allergic to hazelnuts.","created_at":1772447400000000,"importance":0.5,"links":[["event",4294967297,"Nadia is allergic to hazelnuts."]],"meta":"{}","pinned":0,"provisional":0,"session_id":"s","state":"active","summary":"Heard: Nadia is allergic to hazelnuts.","superseded_by":null,"synthesizer":"each-1","time_end":1772447400000000,"time_start":1772447400000000,"trust":"told","updated_at":1772447400000000,"uuid":"00000000000070008000000000000006","version":1}','["e1"]','','synthesize','');
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967297,2,'create','knowledge',4294967297,NULL,'{"archived":0,"confidence":0.9,"content":"It was said: Nadia is allergic to hazelnuts.","created_at":1772447400000000,"links":[["event",4294967297,"Nadia is allergic to hazelnuts."]],"memory_id":4294967297,"pinned":0,"provisional":0,"superseded_by":null,"synthesizer":"each-1","trust":"told","type":"FACT","updated_at":1772447400000000,"uuid":"00000000000070008000000000000007","valid_from":1772447400000000,"valid_until":null,"version":1}','["e1"]','','synthesize','');
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967298,3,'create','memory',4294967298,NULL,'{"confidence":0.8,"content":"Heard: Bo likes rum.","created_at":1772447400000000,"importance":0.5,"links":[["event",4294967298,"Bo likes rum."]],"meta":"{}","pinned":0,"provisional":0,"session_id":"s","state":"active","summary":"Heard: Bo likes rum.","superseded_by":null,"synthesizer":"each-1","time_end":1772447400000000,"time_start":1772447400000000,"trust":"told","updated_at":1772447400000000,"uuid":"0000000000007000800000000000000b","version":1}','["e2"]','','synthesize','');
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967298,4,'create','knowledge',4294967298,NULL,'{"archived":0,"confidence":0.9,"content":"It was said: Bo likes rum.","created_at":1772447400000000,"links":[["event",4294967298,"Bo likes rum."]],"memory_id":4294967298,"pinned":0,"provisional":0,"superseded_by":null,"synthesizer":"each-1","trust":"told","type":"FACT","updated_at":1772447400000000,"uuid":"0000000000007000800000000000000c","valid_from":1772447400000000,"valid_until":null,"version":1}','["e2"]','','synthesize','');
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967299,5,'delete','knowledge',4294967298,'{"archived":0,"confidence":0.9,"content":"It was said: Bo likes rum.","created_at":1772447400000000,"links":[["event",4294967298,"Bo likes rum."]],"memory_id":4294967298,"pinned":0,"provisional":0,"superseded_by":null,"synthesizer":"each-1","trust":"told","type":"FACT","updated_at":1772447400000000,"uuid":"0000000000007000800000000000000c","valid_from":1772447400000000,"valid_until":null,"version":1}',NULL,'["e2"]','Taken back.','undo','');
INSERT INTO dream_actions (dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs) VALUES (4294967299,6,'delete','memory',4294967298,'{"confidence":0.8,"content":"Heard: Bo likes rum.","created_at":1772447400000000,"importance":0.5,"links":[["event",4294967298,"Bo likes rum."]],"meta":"{}","pinned":0,"provisional":0,"session_id":"s","state":"active","summary":"Heard: Bo likes rum.","superseded_by":null,"synthesizer":"each-1","time_end":1772447400000000,"time_start":1772447400000000,"trust":"told","updated_at":1772447400000000,"uuid":"0000000000007000800000000000000b","version":1}',NULL,'["e2"]','Taken back.','undo','');
DELETE FROM dream_events;
INSERT INTO dream_events (dream_id, event_id, before) VALUES (4294967297,4294967297,'pending');
INSERT INTO dream_events (dream_id, event_id, before) VALUES (4294967298,4294967298,'pending');
DELETE FROM declined;
DELETE FROM accesses;
DELETE FROM packs;
DELETE FROM jobs;
DELETE FROM workers;
DELETE FROM idempotency;
CREATE UNIQUE INDEX events_dedupe_key ON events (anima_no, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX events_content_hash ON events (content_hash, occurred_at);
CREATE INDEX events_time ON events (anima_no, occurred_at, id);
CREATE INDEX events_session ON events (anima_no, session_id, occurred_at, id);
CREATE INDEX events_author ON events (anima_no, author) WHERE author IS NOT NULL;
CREATE INDEX events_state ON events (state, id) WHERE state <> 'settled';
CREATE INDEX events_unindexed ON events (id) WHERE indexed_words IS NULL;
CREATE INDEX memories_time ON memories (anima_no, time_end, id);
CREATE INDEX memories_hidden ON memories (id)
WHERE (superseded_by IS NOT NULL OR state = 'archived');
CREATE INDEX memories_unindexed ON memories (id) WHERE indexed_words IS NULL;
CREATE INDEX knowledge_memory ON knowledge (memory_id) WHERE memory_id IS NOT NULL;
CREATE INDEX knowledge_hidden ON knowledge (id)
WHERE (superseded_by IS NOT NULL OR archived = 1);
CREATE INDEX knowledge_unindexed ON knowledge (id) WHERE indexed_words IS NULL;
CREATE INDEX links_source ON links (source_layer, source_id, layer, id);
CREATE INDEX dream_actions_row ON dream_actions (layer, row_id, dream_id);
CREATE INDEX dream_events_event ON dream_events (event_id);
CREATE UNIQUE INDEX jobs_live ON jobs (anima_no, kind) WHERE state IN ('pending', 'running');
CREATE INDEX jobs_due ON jobs (run_at) WHERE state IN ('pending', 'running');
