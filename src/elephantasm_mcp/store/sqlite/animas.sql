-- name: add_local_user
-- The user of stdio, the command line and the embedded SDK; made once.
INSERT INTO users (user_no, uuid, name, created_at) VALUES (1, :uuid, 'local', :now)
ON CONFLICT DO NOTHING;

-- name: add_user
-- A user; nothing happens when there is one of that name.
INSERT INTO users (uuid, name, created_at) VALUES (:uuid, :name, :now) ON CONFLICT DO NOTHING;

-- name: user_by_name
-- A user by exact name.
SELECT user_no FROM users WHERE name = :name;

-- name: add_property
-- A value that is set once for the life of the database.
INSERT INTO properties (key, value) VALUES (:key, :value) ON CONFLICT DO NOTHING;

-- name: property
-- One value of the database itself.
SELECT value FROM properties WHERE key = :key;

-- name: add_anima
-- A new anima; nothing happens when its user already has one of that name.
INSERT INTO animas (uuid, user_no, name, description, meta, settings, created_at, updated_at)
VALUES (:uuid, :user_no, :name, :description, :meta, :settings, :now, :now)
ON CONFLICT (user_no, name) DO NOTHING;

-- name: update_anima
-- Change what is given of an anima; nothing happens when its user has another one of that name.
UPDATE OR IGNORE animas SET
  name = ifnull(:name, name),
  description = ifnull(:description, description),
  meta = ifnull(:meta, meta),
  settings = json_patch(settings, :settings),
  updated_at = :now,
  revision = revision + 1
WHERE anima_no = :anima_no;

-- name: give_anima
-- An anima becomes another user's; nothing happens when that one has one of its name.
UPDATE OR IGNORE animas SET user_no = :user_no, updated_at = :now, revision = revision + 1
WHERE anima_no = :anima_no;

-- name: anima_by_name
-- A user's anima of exactly this name, with the project whose file made it: one that was trusted at
-- that very time, since both are written at once.
SELECT animas.*, users.uuid AS user_uuid, project AS claimed_by, folder AS claimed_in
FROM animas JOIN users USING (user_no)
LEFT JOIN trusted_projects ON trusted_projects.anima_no = animas.anima_no AND at = animas.created_at
WHERE user_no = :user_no AND animas.name = :name LIMIT 1;

-- name: anima_by_uuid
-- A user's anima by its id.
SELECT animas.*, users.uuid AS user_uuid FROM animas JOIN users USING (user_no)
WHERE user_no = :user_no AND animas.uuid = :uuid;

-- name: anima_by_no
-- An anima by its number, whoever owns it: for the worker.
SELECT animas.*, users.uuid AS user_uuid, users.name AS user_name FROM animas JOIN users USING (user_no)
WHERE anima_no = :anima_no;

-- name: animas_of_user
-- All animas of a user, oldest first.
SELECT animas.*, users.uuid AS user_uuid FROM animas JOIN users USING (user_no)
WHERE user_no = :user_no ORDER BY anima_no;

-- name: anima_marks
-- What moved: the revision of each anima and of what it may read of others, and who is to hear of it.
SELECT uuid, user_no, name, revision, ifnull((
  SELECT sum(source.revision) FROM grants INDEXED BY grants_standing
  JOIN animas AS source ON source.anima_no = source_no
  WHERE reader_no = animas.anima_no AND revoked_at IS NULL
), 0) FROM animas;

-- name: anima_counts
-- How many rows of each layer one anima shows.
SELECT
  (SELECT count(*) FROM events WHERE id BETWEEN :low AND :high) AS events,
  (SELECT count(*) FROM memories WHERE id BETWEEN :low AND :high AND superseded_by IS NULL) AS memories,
  (SELECT count(*) FROM knowledge WHERE id BETWEEN :low AND :high AND superseded_by IS NULL) AS knowledge,
  (SELECT count(*) FROM dreams WHERE id BETWEEN :low AND :high) AS dreams;

-- name: take_event_numbers
-- Hand out the next event numbers, and count what becomes pending with them.
UPDATE animas SET
  event_seq = event_seq + :count,
  revision = revision + 1,
  pending_events = pending_events + :count,
  pending_tokens = pending_tokens + :tokens,
  pending_since = min(ifnull(pending_since, :now), :now),
  last_event_at = max(ifnull(last_event_at, :last_event_at), :last_event_at)
WHERE anima_no = :anima_no RETURNING event_seq AS last, pending_events, pending_tokens, pending_since,
  last_event_at;

-- name: take_memory_number
-- Hand out the next memory number.
UPDATE animas SET memory_seq = memory_seq + 1 WHERE anima_no = :anima_no RETURNING memory_seq AS last;

-- name: take_knowledge_number
-- Hand out the next knowledge number.
UPDATE animas SET knowledge_seq = knowledge_seq + 1 WHERE anima_no = :anima_no
RETURNING knowledge_seq AS last;

-- name: take_dream_number
-- Hand out the next dream number.
UPDATE animas SET dream_seq = dream_seq + 1 WHERE anima_no = :anima_no RETURNING dream_seq AS last;

-- name: take_identity_number
-- Hand out the next number of a version of the identity.
UPDATE animas SET identity_seq = identity_seq + 1 WHERE anima_no = :anima_no
RETURNING identity_seq AS last;

-- name: take_conflict_number
-- Hand out the next conflict number.
UPDATE animas SET conflict_seq = conflict_seq + 1 WHERE anima_no = :anima_no
RETURNING conflict_seq AS last;

-- name: take_action_number
-- Hand out the next place in the journal.
UPDATE animas SET action_seq = action_seq + 1 WHERE anima_no = :anima_no RETURNING action_seq AS last;

-- name: bump_revision
-- Say that a pack or a search may now look different.
UPDATE animas SET revision = revision + 1 WHERE anima_no = :anima_no;

-- name: bump_vector_epoch
-- Say that a row or its vectors changed in another way than at their end.
UPDATE animas SET vector_epoch = vector_epoch + 1 WHERE anima_no = :anima_no;

-- name: recount_pending
-- Put the counters of pending events right after states changed.
UPDATE animas SET
  (pending_events, pending_tokens, pending_since) = (
    SELECT count(*), ifnull(sum(tokens), 0), min(created_at) FROM events INDEXED BY events_state
    WHERE state = 'pending' AND state <> 'settled' AND id BETWEEN :low AND :high
  )
WHERE anima_no = :anima_no;

-- name: set_light_sleep
-- When light sleep last ran.
UPDATE animas SET light_sleep_at = :now WHERE anima_no = :anima_no;

-- name: set_deep_sleep
-- When deep sleep last ran, and up to where it saw the journal.
UPDATE animas SET deep_sleep_at = :now, deep_sleep_upto = action_seq WHERE anima_no = :anima_no;

-- name: set_property
-- A value of the database itself, as it is now.
INSERT INTO properties (key, value) VALUES (:key, :value)
ON CONFLICT DO UPDATE SET value = excluded.value;
