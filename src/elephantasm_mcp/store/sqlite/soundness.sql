-- name: hashed_events
-- The events of a range, with what their hash is of.
SELECT id, event_type, content, author, session_id, content_hash
FROM events WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: last_actions
-- Every change of a range of rows, in the order in which they were made, as the journal has them.
SELECT row_id, after, forgotten FROM dream_actions
WHERE layer = :layer AND row_id BETWEEN :low AND :high ORDER BY row_id, position;

-- name: loose_links
-- Links of an anima's derived rows to events that are not there.
SELECT DISTINCT links.layer, links.id FROM links
WHERE layer IN ('memory', 'knowledge') AND links.id BETWEEN :low AND :high AND source_layer = 'event'
  AND NOT EXISTS (SELECT 1 FROM events WHERE events.id = source_id)
ORDER BY links.layer, links.id;

-- name: superseded
-- The rows of a range that others took the place of, whether those are there, and by layer.
SELECT 'memory', id, superseded_by,
  EXISTS (SELECT 1 FROM memories AS later WHERE later.id = memories.superseded_by)
FROM memories WHERE id BETWEEN :low AND :high AND superseded_by IS NOT NULL
UNION ALL
SELECT 'knowledge', id, superseded_by,
  EXISTS (SELECT 1 FROM knowledge AS later WHERE later.id = knowledge.superseded_by)
FROM knowledge WHERE id BETWEEN :low AND :high AND superseded_by IS NOT NULL
ORDER BY 1, 2;

-- name: free_dead_leases
-- Jobs of a process that has ended wait again.
UPDATE jobs SET state = 'pending', lease_owner = NULL, lease_until = NULL
WHERE state = 'running' AND lease_owner = :owner;

-- name: pending_of
-- What waits in an anima, counted anew.
SELECT count(*) AS events, ifnull(sum(tokens), 0) AS tokens FROM events INDEXED BY events_state
WHERE state = 'pending' AND state <> 'settled' AND id BETWEEN :low AND :high;
