-- name: events_as_of
-- Events recorded by a moment, each in the state it was in: made by a dream, or held by an undo.
SELECT
  id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri,
  dedupe_key, content_hash, importance, tokens, redactions, trust, created_at,
  ifnull((
    SELECT became FROM (
      SELECT after AS became, at, dream_id AS dream FROM dream_events
      WHERE event_id = events.id AND at <= :as_of
      UNION ALL
      SELECT 'held', undo.finished_at, undo.id FROM dream_events
      JOIN dreams ON dreams.id = dream_events.dream_id
      JOIN dreams AS undo ON undo.id = dreams.undone_by
      WHERE event_id = events.id AND undo.finished_at <= :as_of
    ) ORDER BY at DESC, dream DESC LIMIT 1
  ), 'pending') AS state
FROM events WHERE id BETWEEN :low AND :high AND created_at <= :as_of ORDER BY id;

-- name: events_behind_later_ones
-- Events whose neighbour before them, in their session, was recorded after a moment.
SELECT id FROM (
  SELECT id, lag(created_at) OVER (
    PARTITION BY session_id ORDER BY occurred_at, id
  ) AS before_at
  FROM events WHERE id BETWEEN :low AND :high
) WHERE before_at > :as_of;

-- name: snapshots_as_of
-- Memories and knowledge as the last change by a moment left them; one that it removed is absent.
SELECT layer, row_id, after FROM (
  SELECT layer, row_id, after, row_number() OVER (
    PARTITION BY layer, row_id ORDER BY position DESC
  ) AS age
  FROM dream_actions WHERE dream_id BETWEEN :low AND :high AND at <= :as_of
) WHERE age = 1 AND after IS NOT NULL ORDER BY layer, row_id;

-- name: uses_as_of
-- The uses of memories that light sleep had counted by a moment.
SELECT memory_id AS id, sum(uses) AS access_count, max(last_at) AS last_accessed_at
FROM folded_uses WHERE memory_id BETWEEN :low AND :high AND at <= :as_of GROUP BY memory_id;

-- name: restore_user
-- The owner of an anima that is set up again; one may own several.
INSERT INTO users (user_no, uuid, name, created_at) VALUES (:user_no, :uuid, :name, 0)
ON CONFLICT DO NOTHING;

-- name: restore_anima
-- An anima under its own number, with what counts its rows.
INSERT INTO animas (
  anima_no, uuid, user_no, name, settings, created_at, updated_at,
  event_seq, memory_seq, knowledge_seq, last_event_at
) VALUES (
  :anima_no, :uuid, :user_no, :name, :settings, :created_at, :updated_at,
  :event_seq, :memory_seq, :knowledge_seq, :last_event_at
);

-- name: restore_event
-- An event as it was.
INSERT INTO events (
  id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri,
  dedupe_key, content_hash, importance, tokens, redactions, trust, state, created_at, updated_at
) VALUES (
  :id, :uuid, :event_type, :role, :author, :summary, :content, :occurred_at, :session_id, :meta,
  :source_uri, :dedupe_key, :content_hash, :importance, :tokens, :redactions, :trust, :state,
  :created_at, :created_at
);

-- name: restore_uses
-- The counted uses of a memory.
UPDATE memories SET access_count = :access_count, last_accessed_at = :last_accessed_at
WHERE id = :id;
