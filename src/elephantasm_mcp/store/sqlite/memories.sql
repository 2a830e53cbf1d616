-- name: put_memory
-- Write a memory as a snapshot has it, with what is derived of it.
INSERT OR REPLACE INTO memories (
  id, uuid, version, summary, content, importance, confidence, state, time_start, time_end,
  session_id, meta, provisional, synthesizer, pinned, trust, superseded_by, created_at, updated_at,
  recency_score, decay_score, access_count, last_accessed_at
) VALUES (
  :id, :uuid, :version, :summary, :content, :importance, :confidence, :state, :time_start, :time_end,
  :session_id, :meta, :provisional, :synthesizer, :pinned, :trust, :superseded_by, :created_at,
  :updated_at, :recency_score, :decay_score, :access_count, :last_accessed_at
);

-- name: put_knowledge
-- Write a knowledge item as a snapshot has it.
INSERT OR REPLACE INTO knowledge (
  id, uuid, version, type, content, confidence, valid_from, valid_until, memory_id, provisional,
  synthesizer, pinned, trust, superseded_by, archived, created_at, updated_at
) VALUES (
  :id, :uuid, :version, :type, :content, :confidence, :valid_from, :valid_until, :memory_id,
  :provisional, :synthesizer, :pinned, :trust, :superseded_by, :archived, :created_at, :updated_at
);

-- name: put_identity
-- Write a version of the identity as a snapshot has it.
INSERT OR REPLACE INTO identities (
  id, uuid, version, personality_type, communication_style, self_reflection, prose, statements,
  synthesizer, created_at, updated_at
) VALUES (
  :id, :uuid, :version, :personality_type, :communication_style, :self_reflection, :prose,
  :statements, :synthesizer, :created_at, :updated_at
);

-- name: put_conflict
-- Write a conflict as a snapshot has it.
INSERT OR REPLACE INTO conflicts (
  id, uuid, version, of_layer, first_id, second_id, question, state, kept_id, created_at, updated_at
) VALUES (
  :id, :uuid, :version, :of_layer, :first_id, :second_id, :question, :state, :kept_id, :created_at,
  :updated_at
);

-- name: delete_identity
-- Remove a version of the identity.
DELETE FROM identities WHERE id = :id;

-- name: delete_conflict
-- Remove a conflict.
DELETE FROM conflicts WHERE id = :id;

-- name: identity_by_id
-- One version of an identity.
SELECT * FROM identities WHERE id = :id;

-- name: conflict_by_id
-- One conflict.
SELECT * FROM conflicts WHERE id = :id;

-- name: delete_memory
-- Remove a memory's row.
DELETE FROM memories WHERE id = :id;

-- name: delete_knowledge
-- Remove a knowledge item's row.
DELETE FROM knowledge WHERE id = :id;

-- name: memory_by_id
-- One memory.
SELECT * FROM memories WHERE id = :id;

-- name: knowledge_by_id
-- One knowledge item.
SELECT * FROM knowledge WHERE id = :id;

-- name: memory_by_uuid
-- One memory by its public id.
SELECT * FROM memories WHERE uuid = :uuid;

-- name: knowledge_by_uuid
-- One knowledge item by its public id.
SELECT * FROM knowledge WHERE uuid = :uuid;

-- name: memories_by_ids
-- Several memories; ids is a JSON array.
SELECT * FROM memories WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id;

-- name: pinned_of
-- Which of several memories a person pinned or corrected; ids is a JSON array.
SELECT id FROM memories WHERE (pinned = 1 OR synthesizer = 'person') AND id IN (SELECT value FROM json_each(:ids));

-- name: knowledge_by_ids
-- Several knowledge items; ids is a JSON array.
SELECT * FROM knowledge WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id;

-- name: list_memories
-- An anima's memories that nothing superseded, oldest first, behind a place in that order,
-- optionally of one state.
SELECT * FROM memories
WHERE anima_no = :anima_no AND (time_end, id) > (:after_time, :after_id)
  AND superseded_by IS NULL AND (:state IS NULL OR state = :state)
ORDER BY time_end, id LIMIT :limit;

-- name: latest_memories
-- An anima's living memories, latest first.
SELECT * FROM memories INDEXED BY memories_time
WHERE anima_no = :anima_no AND superseded_by IS NULL AND state <> 'archived'
ORDER BY time_end DESC, id DESC LIMIT :limit;

-- name: important_memories
-- An anima's living memories, most important first.
SELECT * FROM memories
WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND state <> 'archived'
ORDER BY pinned DESC, importance DESC, time_end DESC, id LIMIT :limit;

-- name: session_memories
-- The living memories of one session that reach into a span of time.
SELECT * FROM memories INDEXED BY memories_time
WHERE anima_no = :anima_no AND time_end >= :since AND time_start <= :until
  AND session_id IS :session_id AND superseded_by IS NULL AND state <> 'archived'
ORDER BY time_end DESC, id DESC;

-- name: list_knowledge
-- An anima's knowledge, oldest first.
SELECT * FROM knowledge
WHERE id BETWEEN :low AND :high AND (:include_superseded OR superseded_by IS NULL)
ORDER BY id LIMIT :limit;

-- name: current_knowledge
-- An anima's knowledge that holds now, most certain and latest first.
SELECT * FROM knowledge
WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND archived = 0
ORDER BY pinned DESC, confidence DESC, valid_from DESC, id DESC LIMIT :limit;

-- name: knowledge_of_memory
-- What was extracted from a memory.
SELECT * FROM knowledge WHERE memory_id = :memory_id ORDER BY id;

-- name: links_of
-- What a derived row was made of, in order.
SELECT source_layer, source_id, quote FROM links WHERE layer = :layer AND id = :id ORDER BY position;

-- name: links_to
-- What was made of a row.
SELECT DISTINCT layer, id FROM links
WHERE source_layer = :source_layer AND source_id = :source_id AND layer IN ('memory', 'knowledge')
ORDER BY layer, id;

-- name: links_of_many
-- The sources of many rows of one layer; ids is a JSON array.
SELECT id, source_layer, source_id, quote FROM links
WHERE layer = :layer AND id IN (SELECT value FROM json_each(:ids)) ORDER BY id, position;

-- name: add_link
-- One source of a derived row.
INSERT INTO links (layer, id, position, source_layer, source_id, quote)
VALUES (:layer, :id, :position, :source_layer, :source_id, :quote);

-- name: delete_links
-- Forget what a derived row was made of.
DELETE FROM links WHERE layer = :layer AND id = :id;

-- name: memory_wordings
-- What the memories of an anima said by a moment, whatever became of them.
SELECT summary || char(10) || content, created_at FROM memories
WHERE id BETWEEN :low AND :high AND created_at <= :until ORDER BY id DESC LIMIT :limit;

-- name: knowledge_wordings
-- What the knowledge of an anima said by a moment, whatever became of it.
SELECT content, created_at FROM knowledge
WHERE id BETWEEN :low AND :high AND created_at <= :until ORDER BY id DESC LIMIT :limit;

-- name: set_derived_scores
-- Recency and decay of all living memories (scoring.recency, scoring.decay): outside the journal.
UPDATE memories SET
  recency_score = round(pow(0.5, max(0, :now - time_end) / 3600e6 / :recency_half_life_h), 6),
  decay_score = round(1 - pow(0.5,
    max(0, :now - ifnull(last_accessed_at, created_at)) / 86400e6 / min(
      :decay_half_life_d * pow(:reinforcement, min(access_count, 100)),
      max(:decay_half_life_d, :longest_d)
    )
  ), 6)
WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND state <> 'archived';

-- name: keep_fold
-- What is folded in now, for the packs of the past.
INSERT INTO folded_uses (memory_id, at, uses, last_at)
SELECT memory_id, :now, uses, last_at FROM accesses WHERE memory_id BETWEEN :low AND :high
ON CONFLICT DO UPDATE SET uses = uses + excluded.uses, last_at = excluded.last_at;

-- name: fold_accesses
-- Add the uses counted since the last light sleep.
UPDATE memories SET
  access_count = access_count + (SELECT uses FROM accesses WHERE memory_id = memories.id),
  last_accessed_at = (SELECT last_at FROM accesses WHERE memory_id = memories.id)
WHERE id BETWEEN :low AND :high AND id IN (SELECT memory_id FROM accesses);

-- name: clear_accesses
-- Forget the uses that were folded in.
DELETE FROM accesses WHERE memory_id BETWEEN :low AND :high;

-- name: add_access
-- Count a use of a memory that is still there.
INSERT INTO accesses (memory_id, uses, last_at)
SELECT id, :uses, :last_at FROM memories WHERE id = :memory_id
ON CONFLICT (memory_id) DO UPDATE SET
  uses = uses + excluded.uses, last_at = max(last_at, excluded.last_at);

-- name: fading
-- The living memories that may change their state by their decay (scoring.decay), with the uses that
-- are not folded in yet; more than will.
SELECT * FROM (
  SELECT id, importance, state, access_count + ifnull(uses, 0) AS access_count,
    round(1 - pow(0.5,
      max(0, :now - ifnull(ifnull(last_at, last_accessed_at), created_at)) / 86400e6 / min(
        :decay_half_life_d * pow(:reinforcement, min(access_count + ifnull(uses, 0), 100)),
        max(:decay_half_life_d, :longest_d)
      )
    ), 6) AS decay_score
  FROM memories LEFT JOIN accesses ON memory_id = id
  WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND pinned = 0 AND state <> 'archived'
) WHERE state = 'active' AND importance < :below_importance AND decay_score > :decaying_above
  OR state = 'decaying' AND (
    decay_score > :archived_above OR importance >= :below_importance
    OR decay_score <= :decaying_above
  );

-- name: count_living_memories
-- How many memories are neither superseded nor archived.
SELECT count(*) AS living FROM memories
WHERE id BETWEEN :low AND :high AND superseded_by IS NULL AND state <> 'archived';

-- name: rows_of_events
-- What was made of several events; ids is a JSON array.
SELECT DISTINCT layer, id FROM links
WHERE source_layer = 'event' AND source_id IN (SELECT value FROM json_each(:ids))
ORDER BY layer DESC, id;

-- name: told_events
-- Which of several events a memory tells of that nothing superseded; ids is a JSON array.
SELECT DISTINCT source_id FROM links JOIN memories ON memories.id = links.id
WHERE source_layer = 'event' AND source_id IN (SELECT value FROM json_each(:ids))
  AND layer = 'memory' AND superseded_by IS NULL;

-- name: orphans_of
-- Knowledge of several events that belongs to no memory; ids is a JSON array.
SELECT DISTINCT knowledge.id FROM links JOIN knowledge ON knowledge.id = links.id
WHERE source_layer = 'event' AND source_id IN (SELECT value FROM json_each(:ids))
  AND layer = 'knowledge' AND memory_id IS NULL
ORDER BY knowledge.id;

-- name: unsettled_sources
-- How many events of a derived row are not settled.
SELECT count(*) AS rows FROM links JOIN events ON events.id = source_id
WHERE layer = :layer AND links.id = :id AND source_layer = 'event' AND events.state <> 'settled';

-- name: memory_counterpart
-- The living memory, not provisional, that was made of most of the same events as another one.
SELECT theirs.id FROM links AS mine
JOIN links AS theirs USING (source_layer, source_id)
JOIN memories ON memories.id = theirs.id
WHERE mine.layer = 'memory' AND mine.id = :id AND mine.source_layer = 'event'
  AND theirs.layer = 'memory' AND provisional = 0 AND superseded_by IS NULL AND state <> 'archived'
GROUP BY theirs.id ORDER BY count(DISTINCT source_id) DESC, theirs.id LIMIT 1;

-- name: knowledge_counterpart
-- The living knowledge, not provisional, that was made of most of the same events as another item;
-- of the same type first.
SELECT theirs.id FROM links AS mine
JOIN links AS theirs USING (source_layer, source_id)
JOIN knowledge ON knowledge.id = theirs.id
WHERE mine.layer = 'knowledge' AND mine.id = :id AND mine.source_layer = 'event'
  AND theirs.layer = 'knowledge' AND provisional = 0 AND superseded_by IS NULL AND archived = 0
GROUP BY theirs.id
ORDER BY knowledge.type = (SELECT type FROM knowledge WHERE id = :id) DESC,
  count(DISTINCT source_id) DESC, theirs.id LIMIT 1;
