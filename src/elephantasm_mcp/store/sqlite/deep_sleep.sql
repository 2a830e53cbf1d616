-- name: current_identity
-- The version of an anima's identity that holds.
SELECT * FROM identities WHERE id BETWEEN :low AND :high ORDER BY id DESC LIMIT 1;

-- name: list_conflicts
-- The conflicts of an anima, oldest first.
SELECT * FROM conflicts WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: survey_memories
-- What deep sleep looks at of every living memory.
SELECT id, summary, content, confidence, importance, pinned, trust, time_end, session_id
FROM memories WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND state <> 'archived'
ORDER BY id;

-- name: survey_knowledge
-- What deep sleep looks at of all knowledge that holds.
SELECT id, content, type, confidence, pinned, trust, ifnull(valid_from, created_at)
FROM knowledge WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND archived = 0
ORDER BY id;

-- name: add_plan
-- What a dry run proposed.
INSERT INTO plans (
  uuid, anima_no, phase, synthesizer, tokens, calls, operations, created_at, expires_at
) VALUES (
  :uuid, :anima_no, :phase, :synthesizer, :tokens, :calls, :operations, :created_at, :expires_at
);

-- name: plan_by_uuid
-- One plan.
SELECT * FROM plans WHERE uuid = :uuid;

-- name: complete_plan
-- A plan was answered; only once.
UPDATE plans SET completed_at = :now WHERE uuid = :uuid AND completed_at IS NULL;

-- name: drop_plans
-- Forget an anima's plans that expired by a moment.
DELETE FROM plans WHERE anima_no = :anima_no AND expires_at <= :by;

-- name: own_words
-- The latest replies of an anima's agent that were told by nobody else.
SELECT id, content FROM events
WHERE id BETWEEN :low AND :high AND event_type = 'message.out' AND trust = 'told'
ORDER BY id DESC LIMIT :limit;
