-- name: add_dream
-- One run in the journal.
INSERT INTO dreams (
  id, uuid, phase, actor, synthesizer, started_at, finished_at, counts, tokens, undoes
) VALUES (
  :id, :uuid, :phase, :actor, :synthesizer, :started_at, :finished_at, :counts, :tokens, :undoes
);

-- name: add_dream_action
-- One change of a run, with what stood there before and after; made when the run went on last.
INSERT INTO dream_actions (
  dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs, model,
  tokens, at
) VALUES (
  :dream_id, :position, :kind, :layer, :row_id, :before, :after, :sources, :reasoning, :operation,
  :inputs, :model, :tokens, (SELECT finished_at FROM dreams WHERE id = :dream_id)
);

-- name: extend_dream
-- A run that still goes on did more.
UPDATE dreams SET finished_at = :finished_at, counts = :counts, tokens = tokens + :tokens
WHERE id = :id AND undone_by IS NULL;

-- name: add_dream_event
-- One event that a run consumed: what it was before, is now, and since when.
INSERT INTO dream_events (dream_id, event_id, before, after, at)
SELECT :dream_id, id, :before, state, updated_at FROM events WHERE id = :event_id;

-- name: dream_by_id
-- One run.
SELECT * FROM dreams WHERE id = :id;

-- name: dream_by_uuid
-- One run by its public id.
SELECT * FROM dreams WHERE uuid = :uuid;

-- name: list_dreams
-- The journal of an anima, newest first.
SELECT * FROM dreams WHERE id BETWEEN :low AND :high ORDER BY id DESC LIMIT :limit;

-- name: actions_of_dream
-- The changes of a run, in order.
SELECT * FROM dream_actions WHERE dream_id = :dream_id ORDER BY position;

-- name: actions_on_row
-- Every change of one row, oldest first, with the run it belongs to.
SELECT dream_actions.kind, dream_actions.reasoning, dreams.*
FROM dream_actions JOIN dreams ON dreams.id = dream_actions.dream_id
WHERE layer = :layer AND row_id = :row_id ORDER BY position;

-- name: dreams_of_event
-- The runs that consumed an event, oldest first.
SELECT dreams.* FROM dream_events JOIN dreams ON dreams.id = dream_events.dream_id
WHERE event_id = :event_id ORDER BY dreams.id;

-- name: events_of_dream
-- The events that a run consumed.
SELECT event_id, before FROM dream_events WHERE dream_id = :dream_id ORDER BY event_id;

-- name: later_actions
-- Runs after this one that changed one of its rows and still stand.
SELECT DISTINCT later.id, mine.layer, mine.row_id
FROM dream_actions AS mine
JOIN dream_actions AS theirs
  ON theirs.layer = mine.layer AND theirs.row_id = mine.row_id
  AND theirs.position > mine.position AND theirs.dream_id <> mine.dream_id
JOIN dreams AS later ON later.id = theirs.dream_id
WHERE mine.dream_id = :dream_id AND later.undone_by IS NULL AND later.undoes IS NULL
ORDER BY later.id, mine.row_id;

-- name: later_consumers
-- Runs after this one that consumed one of its events and still stand.
SELECT DISTINCT later.id
FROM dream_events AS mine
JOIN dream_events AS theirs ON theirs.event_id = mine.event_id AND theirs.dream_id > mine.dream_id
JOIN dreams AS later ON later.id = theirs.dream_id
WHERE mine.dream_id = :dream_id AND later.undone_by IS NULL ORDER BY later.id;

-- name: annotate_dream
-- Let a run say something of itself.
UPDATE dreams SET note = :note WHERE id = :id;

-- name: mark_undone
-- Note that a run was taken back; only once.
UPDATE dreams SET undone_by = :undone_by WHERE id = :id AND undone_by IS NULL;

-- name: decline
-- Remember that a person took an operation back, and on which inputs.
INSERT OR REPLACE INTO declined (layer, row_id, operation, inputs)
VALUES (:layer, :row_id, :operation, :inputs);

-- name: declined_operations
-- What was taken back in an anima.
SELECT layer, row_id, operation, inputs FROM declined
WHERE layer IN ('memory', 'knowledge', 'identity', 'conflict') AND row_id BETWEEN :low AND :high;

-- name: operations_on
-- What was done to a row by runs that stand.
SELECT DISTINCT operation FROM dream_actions JOIN dreams ON dreams.id = dream_id
WHERE layer = :layer AND row_id = :row_id AND undone_by IS NULL AND undoes IS NULL;

-- name: wordings_of
-- What a piece of knowledge said after any of its changes.
SELECT DISTINCT json_extract(after, '$.content') FROM dream_actions
WHERE layer = 'knowledge' AND row_id = :row_id AND after IS NOT NULL;

-- name: consumed_events
-- Which of several events a run that stands consumed; ids is a JSON array.
SELECT DISTINCT event_id FROM dream_events JOIN dreams ON dreams.id = dream_id
WHERE undone_by IS NULL AND event_id IN (SELECT value FROM json_each(:ids));
