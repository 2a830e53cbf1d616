-- name: event_texts
-- The texts of an anima's events.
SELECT
  id, event_type, content, author, role, session_id, summary, source_uri, dedupe_key, meta
FROM events WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: reword_event
-- An event in other words; what was masked in it is counted.
UPDATE events SET
  content = :content, author = :author, role = :role, session_id = :session_id,
  summary = :summary, source_uri = :source_uri, dedupe_key = :dedupe_key, meta = :meta,
  content_hash = :content_hash, tokens = :tokens, redactions = redactions + :found,
  updated_at = :now
WHERE id = :id;

-- name: identity_texts
-- Who an agent was, in words.
SELECT id, personality_type, communication_style, self_reflection, prose, statements FROM identities
WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: reword_identity
-- One version of an identity in other words.
UPDATE identities SET
  personality_type = :personality_type, communication_style = :communication_style,
  self_reflection = :self_reflection, prose = :prose, statements = :statements
WHERE id = :id;

-- name: conflict_texts
-- What was asked about rows that contradict each other.
SELECT id, question FROM conflicts WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: reword_conflict
-- A question in other words.
UPDATE conflicts SET question = :question WHERE id = :id;
