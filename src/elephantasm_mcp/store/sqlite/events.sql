-- name: add_event
-- A new event, pending.
INSERT INTO events (
  id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri,
  dedupe_key, content_hash, importance, tokens, redactions, trust, created_at, updated_at
) VALUES (
  :id, :uuid, :event_type, :role, :author, :summary, :content, :occurred_at, :session_id, :meta,
  :source_uri, :dedupe_key, :content_hash, :importance, :tokens, :redactions, :trust, :now, :now
);

-- name: event_by_dedupe_key
-- The event that already took this key.
SELECT * FROM events WHERE anima_no = :anima_no AND dedupe_key = :dedupe_key;

-- name: event_ids_of_keys
-- Which of these keys are taken, and by which event; keys is a JSON array.
SELECT dedupe_key, id FROM events
WHERE anima_no = :anima_no AND dedupe_key IN (SELECT value FROM json_each(:keys));

-- name: forgotten_keys
-- Which of these digests are of keys that forgotten events of an anima had; digests is a JSON array.
SELECT DISTINCT key_digest FROM forgotten INDEXED BY forgotten_keys
WHERE key_digest IN (SELECT unhex(value) FROM json_each(:digests))
  AND layer = 'event' AND id BETWEEN :low AND :high;

-- name: event_by_content
-- The nearest earlier event without a key that says the same, within the window.
SELECT * FROM events
WHERE content_hash = :content_hash AND occurred_at BETWEEN :since AND :until
  AND id BETWEEN :low AND :high AND dedupe_key IS NULL
ORDER BY abs(occurred_at - :occurred_at), id LIMIT 1;

-- name: event_by_id
-- One event.
SELECT * FROM events WHERE id = :id;

-- name: event_by_uuid
-- One event by its public id.
SELECT * FROM events WHERE uuid = :uuid;

-- name: events_by_ids
-- Several events, in time order; ids is a JSON array.
SELECT * FROM events WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY occurred_at, id;

-- name: events_in_state
-- Events of an anima in one state (not settled), in time order.
SELECT * FROM events INDEXED BY events_state
WHERE state = :state AND state <> 'settled' AND id BETWEEN :low AND :high ORDER BY occurred_at, id LIMIT :limit;

-- name: latest_in_state
-- The events of an anima of some types in one state (not settled) that were stored last, latest
-- first.
SELECT * FROM events INDEXED BY events_state
WHERE state = :state AND state <> 'settled' AND id BETWEEN :low AND :high
    AND event_type IN (SELECT value FROM json_each(:types))
ORDER BY id DESC LIMIT :limit;

-- name: session_span
-- When the first and the last event of a session happened.
SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM events
WHERE anima_no = :anima_no AND session_id = :session_id;

-- name: session_end
-- When the last event of a session, or of those without one, happened.
SELECT max(occurred_at) AS last FROM events
WHERE anima_no = :anima_no AND session_id IS :session_id;

-- name: list_events
-- Events of an anima by time, behind a place in that order, with optional session and bounds.
SELECT * FROM events
WHERE anima_no = :anima_no AND (occurred_at, id) > (:after_time, :after_id)
  AND (:session_id IS NULL OR session_id = :session_id)
  AND (:since IS NULL OR occurred_at >= :since)
  AND (:until IS NULL OR occurred_at <= :until)
ORDER BY occurred_at, id LIMIT :limit;

-- name: last_event
-- The latest event of an anima that happened no later than the clock.
SELECT * FROM events WHERE anima_no = :anima_no AND occurred_at <= :until
ORDER BY occurred_at DESC, id DESC LIMIT 1;

-- name: session_backwards
-- The times of a session's events, latest first: to walk back to where it began.
SELECT id, occurred_at FROM events
WHERE anima_no = :anima_no AND session_id IS :session_id AND occurred_at <= :until
ORDER BY occurred_at DESC, id DESC LIMIT :limit;

-- name: previous_in_session
-- The event before another one in its session.
SELECT * FROM events
WHERE anima_no = :anima_no AND session_id IS :session_id
  AND (occurred_at, id) < (:occurred_at, :id)
ORDER BY occurred_at DESC, id DESC LIMIT 1;

-- name: next_in_session
-- The event after another one in its session.
SELECT * FROM events
WHERE anima_no = :anima_no AND session_id IS :session_id
  AND (occurred_at, id) > (:occurred_at, :id)
ORDER BY occurred_at, id LIMIT 1;

-- name: set_event_state
-- Move one event on; only from the state that the caller saw.
UPDATE events SET state = :state, updated_at = :now WHERE id = :id AND state = :before;

-- name: event_uuids
-- The public ids of several events; ids is a JSON array.
SELECT id, uuid FROM events WHERE id IN (SELECT value FROM json_each(:ids));

-- name: count_owed
-- How many events of an anima are provisional, or held although a memory still tells of them.
SELECT (
  SELECT count(*) FROM events INDEXED BY events_state
  WHERE state = 'provisional' AND state <> 'settled' AND id BETWEEN :low AND :high
) + (
  SELECT count(*) FROM events INDEXED BY events_state
  WHERE state = 'held' AND state <> 'settled' AND id BETWEEN :low AND :high AND EXISTS (
    SELECT 1 FROM dream_events JOIN dreams ON dreams.id = dream_id
    WHERE event_id = events.id AND undone_by IS NULL
  )
  AND EXISTS (
    SELECT 1 FROM links JOIN memories ON memories.id = links.id
    WHERE source_layer = 'event' AND source_id = events.id
      AND layer = 'memory' AND superseded_by IS NULL
  )
) AS events;
