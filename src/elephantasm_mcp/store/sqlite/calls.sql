-- name: reserve_call
-- A call that is about to be made, with the tokens that it may take, if the day's budget has them.
INSERT INTO calls (anima_no, dream_id, purpose, model, at, tokens, outcome)
SELECT :anima_no, :dream_id, :purpose, :model, :now, :tokens, 'asking'
WHERE (SELECT ifnull(sum(tokens), 0) FROM calls WHERE at >= :since) + :tokens <= :budget
RETURNING call_no;

-- name: end_call
-- What became of a call.
UPDATE calls SET
  tokens = :tokens_in + :tokens_out, tokens_in = :tokens_in, tokens_out = :tokens_out,
  cost_usd = :cost_usd, duration_us = :duration_us, outcome = :outcome, error = :error
WHERE call_no = :call_no;

-- name: cancel_call
-- A call was given up; what it took is not known, and its tokens stay set aside.
UPDATE calls SET outcome = 'cancelled' WHERE call_no = :call_no;

-- name: attach_call
-- A call was made for this dream.
UPDATE calls SET dream_id = :dream_id WHERE call_no = :call_no;

-- name: tokens_since
-- What counts against the budget since a moment.
SELECT ifnull(sum(tokens), 0) AS tokens FROM calls WHERE at >= :since;

-- name: calls_of_dream
-- What the calls of a dream came to.
SELECT count(*) AS calls, sum(outcome <> 'ok') AS failed, sum(tokens_in + tokens_out) AS tokens,
  sum(cost_usd) AS cost_usd, sum(duration_us) AS duration_us
FROM calls WHERE dream_id = :dream_id;

-- name: calls_by_model
-- What each model was asked and took, all animas together.
SELECT model, count(*) AS calls, sum(outcome <> 'ok') AS failed,
  sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out, sum(cost_usd) AS cost_usd,
  sum(duration_us) AS duration_us, max(at) AS last_at
FROM calls GROUP BY model ORDER BY model;

-- name: last_call
-- The call of a model that ended last.
SELECT outcome, error, at FROM calls
WHERE model = :model AND outcome IN ('ok', 'failed') ORDER BY call_no DESC LIMIT 1;

-- name: note_unmade
-- A model makes nothing of an event.
INSERT OR REPLACE INTO unmade (event_id, model, at) VALUES (:event_id, :model, :now);

-- name: unmade_events
-- Events of an anima of which a model makes nothing.
SELECT event_id FROM unmade WHERE model = :model AND event_id BETWEEN :low AND :high;

-- name: animas_owed
-- Animas with provisional events that a model was not yet found unable to do better.
SELECT anima_no FROM animas WHERE EXISTS (
  SELECT 1 FROM events INDEXED BY events_state
  WHERE state = 'provisional' AND state <> 'settled'
    AND id BETWEEN animas.anima_no << 32 AND (animas.anima_no << 32) + 4294967295
    AND NOT EXISTS (SELECT 1 FROM unmade WHERE event_id = events.id AND model = :model)
) ORDER BY anima_no;
