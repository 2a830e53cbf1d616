-- name: defer_references
-- Let rows that refer to each other be renumbered one table after the other: looked at when it commits.
PRAGMA defer_foreign_keys = ON;

-- name: merge_numbers
-- The last number that each kind of row of an anima has, and how many packs were read.
SELECT event_seq AS event, memory_seq AS memory, knowledge_seq AS knowledge, conflict_seq AS conflict,
  dream_seq AS dream, action_seq AS "action", packs_read AS packs
FROM animas WHERE anima_no = :anima_no;

-- name: take_merged_numbers
-- Numbers that came with another anima's rows are given out.
UPDATE animas SET
  event_seq = event_seq + :event, memory_seq = memory_seq + :memory,
  knowledge_seq = knowledge_seq + :knowledge, conflict_seq = conflict_seq + :conflict,
  dream_seq = dream_seq + :dream, action_seq = action_seq + :action
WHERE anima_no = :anima_no;

-- name: repeated_by_key
-- Events of an anima whose key another anima already has, with the event that has it there.
SELECT mine.id, theirs.id FROM events AS mine
JOIN events AS theirs ON theirs.anima_no = :into_no AND theirs.dedupe_key = mine.dedupe_key
WHERE mine.id BETWEEN :low AND :high AND mine.dedupe_key IS NOT NULL ORDER BY mine.id;

-- name: unkeyed_events
-- What the content rule looks at of an anima's events.
SELECT id, content_hash, occurred_at FROM events
WHERE id BETWEEN :low AND :high AND dedupe_key IS NULL ORDER BY id;

-- name: join_links
-- What was made of one event was made of another one that says the same.
UPDATE links SET source_id = :new WHERE source_layer = 'event' AND source_id = :old;

-- name: join_consumption
-- The dreams that consumed one event consumed the other.
UPDATE dream_events SET event_id = :new WHERE event_id = :old;

-- name: join_event_state
-- An event that nothing was made of yet is what the event is that it repeats.
UPDATE events SET state = (SELECT state FROM events AS old WHERE old.id = :old), updated_at = :now
WHERE id = :new AND state IN ('pending', 'held')
  AND (SELECT state FROM events AS old WHERE old.id = :old) IN ('provisional', 'settled');

-- name: move_event
-- Renumber the events of an anima.
UPDATE events SET id = id + :by WHERE id BETWEEN :low AND :high;

-- name: move_memory
-- Renumber the memories of an anima.
UPDATE memories SET id = id + :by, superseded_by = superseded_by + :by WHERE id BETWEEN :low AND :high;

-- name: move_knowledge
-- Renumber the knowledge of an anima.
UPDATE knowledge SET
  id = id + :by, superseded_by = superseded_by + :by, memory_id = memory_id + :memories
WHERE id BETWEEN :low AND :high;

-- name: move_conflicts
-- Renumber what was asked in an anima.
UPDATE conflicts SET
  id = id + :by,
  first_id = first_id + iif(of_layer = 'memory', :memories, :knowledge),
  second_id = second_id + iif(of_layer = 'memory', :memories, :knowledge),
  kept_id = kept_id + iif(of_layer = 'memory', :memories, :knowledge)
WHERE id BETWEEN :low AND :high;

-- name: move_links
-- Renumber the rows of a layer that have sources.
UPDATE links SET id = id + :by WHERE layer = :layer AND id BETWEEN :low AND :high;

-- name: move_link_sources
-- Renumber the rows of a layer that are sources.
UPDATE links SET source_id = source_id + :by
WHERE source_layer = :layer AND source_id BETWEEN :low AND :high;

-- name: move_vectors
-- Renumber the vectors of a layer under one model.
UPDATE vectors SET id = id + :by WHERE layer = :layer AND model = :model AND id BETWEEN :low AND :high;

-- name: drop_vectors
-- Forget the vectors of a layer under one model.
DELETE FROM vectors WHERE layer = :layer AND model = :model AND id BETWEEN :low AND :high;

-- name: move_tombstones
-- Renumber what was forgotten of a layer.
UPDATE forgotten SET id = id + :by WHERE layer = :layer AND id BETWEEN :low AND :high;

-- name: move_shown
-- Renumber how often rows of a layer stood in packs, counted among those of another anima.
UPDATE shown SET id = id + :by, packs_before = packs_before + :packs
WHERE layer = :layer AND id BETWEEN :low AND :high;

-- name: move_declined
-- Renumber what was taken back on rows of a layer.
UPDATE declined SET row_id = row_id + :by WHERE layer = :layer AND row_id BETWEEN :low AND :high;

-- name: move_accesses
-- Renumber the uses of memories that were not folded in.
UPDATE accesses SET memory_id = memory_id + :by WHERE memory_id BETWEEN :low AND :high;

-- name: move_folded_uses
-- Renumber the uses of memories that were folded in.
UPDATE folded_uses SET memory_id = memory_id + :by WHERE memory_id BETWEEN :low AND :high;

-- name: move_unmade
-- Renumber the events that a model made nothing of.
UPDATE unmade SET event_id = event_id + :by WHERE event_id BETWEEN :low AND :high;

-- name: move_dreams
-- Renumber the dreams of an anima.
UPDATE dreams SET id = id + :by, undoes = undoes + :by, undone_by = undone_by + :by
WHERE id BETWEEN :low AND :high;

-- name: dream_notes
-- What dreams of an anima have to say of themselves.
SELECT id, note FROM dreams WHERE id BETWEEN :low AND :high AND note <> '';

-- name: move_dream_events
-- Renumber which events the dreams of an anima consumed; joined ones have their number.
UPDATE dream_events SET
  dream_id = dream_id + :by,
  event_id = event_id + iif(event_id BETWEEN :first_event AND :last_event, :events, 0)
WHERE dream_id BETWEEN :low AND :high;

-- name: move_calls
-- The calls of language models that were made for an anima.
UPDATE calls SET anima_no = :into_no, dream_id = dream_id + :by WHERE anima_no = :anima_no;

-- name: identity_actions
-- Forget that an agent's identity was changed.
DELETE FROM dream_actions WHERE dream_id BETWEEN :low AND :high AND layer = 'identity';

-- name: identity_links
-- Forget what showed who an agent was.
DELETE FROM links WHERE layer = 'identity' AND id BETWEEN :low AND :high;

-- name: actions_to_move
-- The journal of an anima, in order.
SELECT dream_id, position, layer, row_id, before, after, sources, reasoning FROM dream_actions
WHERE dream_id BETWEEN :low AND :high ORDER BY dream_id, position;

-- name: move_action
-- A change under other numbers.
UPDATE dream_actions SET
  dream_id = :new_dream, position = :new_position, row_id = :new_row, before = :before, after = :after,
  sources = :sources, reasoning = :reasoning
WHERE dream_id = :dream_id AND position = :position;

-- name: between_others
-- Events whose neighbour before them, in their session, came from another anima, or that did.
SELECT id FROM (
  SELECT id, lag(id) OVER (PARTITION BY session_id ORDER BY occurred_at, id) AS before
  FROM events WHERE id BETWEEN :low AND :high
) WHERE (id > :boundary) <> (before > :boundary);
