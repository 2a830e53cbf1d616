-- name: unindexed_event
-- Events that the full text does not hold yet, oldest row first.
SELECT id FROM events INDEXED BY events_unindexed
WHERE indexed_words IS NULL AND id BETWEEN :low AND :high ORDER BY id LIMIT :limit;

-- name: unindexed_memory
-- Memories that the full text does not hold yet.
SELECT id FROM memories INDEXED BY memories_unindexed
WHERE indexed_words IS NULL AND id BETWEEN :low AND :high ORDER BY id LIMIT :limit;

-- name: unindexed_knowledge
-- Knowledge that the full text does not hold yet.
SELECT id FROM knowledge INDEXED BY knowledge_unindexed
WHERE indexed_words IS NULL AND id BETWEEN :low AND :high ORDER BY id LIMIT :limit;

-- name: put_event_text
-- Full text of one event, and of what stands around it in its session.
INSERT OR REPLACE INTO event_text (rowid, text, around) VALUES (:id, :text, :around);

-- name: put_memory_text
-- Full text of one memory.
INSERT OR REPLACE INTO memory_text (rowid, text, around) VALUES (:id, :text, :around);

-- name: put_knowledge_text
-- Full text of one knowledge item.
INSERT OR REPLACE INTO knowledge_text (rowid, text, around) VALUES (:id, :text, :around);

-- name: delete_event_text
-- Take an event out of the full text.
DELETE FROM event_text WHERE rowid = :id;

-- name: delete_memory_text
-- Take a memory out of the full text.
DELETE FROM memory_text WHERE rowid = :id;

-- name: delete_knowledge_text
-- Take a knowledge item out of the full text.
DELETE FROM knowledge_text WHERE rowid = :id;

-- name: mark_indexed_event
-- The full text now holds this many words of an event.
UPDATE events SET indexed_words = :words WHERE id = :id;

-- name: mark_indexed_memory
-- The full text now holds this many words of a memory.
UPDATE memories SET indexed_words = :words WHERE id = :id;

-- name: mark_indexed_knowledge
-- The full text now holds this many words of a knowledge item.
UPDATE knowledge SET indexed_words = :words WHERE id = :id;

-- name: indexed_words_event
-- How many words the full text holds of an event; NULL when none.
SELECT indexed_words FROM events WHERE id = :id;

-- name: indexed_words_memory
-- How many words the full text holds of a memory; NULL when none.
SELECT indexed_words FROM memories WHERE id = :id;

-- name: indexed_words_knowledge
-- How many words the full text holds of a knowledge item; NULL when none.
SELECT indexed_words FROM knowledge WHERE id = :id;

-- name: add_to_totals
-- Count what was added to, or taken from, the index.
INSERT INTO index_totals (anima_no, layer, model, rows, words)
VALUES (:anima_no, :layer, :model, :rows, :words)
ON CONFLICT DO UPDATE SET rows = rows + excluded.rows, words = words + excluded.words;

-- name: index_totals
-- What is indexed of an anima, by layer and model.
SELECT layer, model, rows, words FROM index_totals WHERE anima_no = :anima_no;

-- name: matches_event
-- Which events of an anima hold a term.
SELECT rowid FROM event_text WHERE event_text MATCH :term AND rowid BETWEEN :low AND :high;

-- name: matches_memory
-- Which memories of an anima hold a term.
SELECT rowid FROM memory_text WHERE memory_text MATCH :term AND rowid BETWEEN :low AND :high;

-- name: matches_knowledge
-- Which knowledge of an anima holds a term.
SELECT rowid FROM knowledge_text WHERE knowledge_text MATCH :term AND rowid BETWEEN :low AND :high;

-- name: put_vector
-- A row's vector under one model.
INSERT OR REPLACE INTO vectors (layer, model, id, vector) VALUES (:layer, :model, :id, :vector);

-- name: vector_exists
-- Whether a row has a vector under one model.
SELECT 1 AS present FROM vectors WHERE layer = :layer AND model = :model AND id = :id;

-- name: last_vector
-- The highest row of an anima that has a vector under one model.
SELECT max(id) AS id FROM vectors
WHERE layer = :layer AND model = :model AND id BETWEEN :low AND :high;

-- name: vector_models
-- Under which models a row has vectors.
SELECT model FROM vectors WHERE layer = :layer AND id = :id
  AND model IN (SELECT model FROM index_totals WHERE anima_no = :anima_no AND layer = :layer);

-- name: delete_vector
-- Forget a row's vector under one model.
DELETE FROM vectors WHERE layer = :layer AND model = :model AND id = :id;

-- name: vectors_after
-- Vectors of an anima under one model, above a row id.
SELECT id, vector FROM vectors
WHERE layer = :layer AND model = :model AND id > :after AND id <= :high ORDER BY id;

-- name: nearest_vectors
-- The rows nearest to a query vector, computed by the database: what the cache is tested against.
SELECT id, 1 - vec_distance_cosine(vec_int8(vector), vec_int8(:vector)) AS similarity FROM vectors
WHERE layer = :layer AND model = :model AND id BETWEEN :low AND :high
ORDER BY similarity DESC, id LIMIT :limit;

-- name: missing_vectors_event
-- Indexed events without a vector under one model.
SELECT id FROM events WHERE id > :after AND id <= :high AND indexed_words IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'event' AND model = :model AND vectors.id = events.id
  )
ORDER BY id LIMIT :limit;

-- name: missing_vectors_memory
-- Indexed memories without a vector under one model.
SELECT id FROM memories WHERE id > :after AND id <= :high AND indexed_words IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'memory' AND model = :model AND vectors.id = memories.id
  )
ORDER BY id LIMIT :limit;

-- name: missing_vectors_knowledge
-- Indexed knowledge without a vector under one model.
SELECT id FROM knowledge WHERE id > :after AND id <= :high AND indexed_words IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'knowledge' AND model = :model AND vectors.id = knowledge.id
  )
ORDER BY id LIMIT :limit;

-- name: hidden_memory
-- Memories that recall leaves out: superseded or archived.
SELECT id FROM memories INDEXED BY memories_hidden
WHERE (superseded_by IS NOT NULL OR state = 'archived') AND id BETWEEN :low AND :high;

-- name: hidden_knowledge
-- Knowledge that recall leaves out: superseded or archived.
SELECT id FROM knowledge INDEXED BY knowledge_hidden
WHERE (superseded_by IS NOT NULL OR archived = 1) AND id BETWEEN :low AND :high;

-- name: within_event
-- Events of a session and a span of time.
SELECT id FROM events WHERE anima_no = :anima_no
  AND (:session_id IS NULL OR session_id = :session_id)
  AND (:since IS NULL OR occurred_at >= :since) AND (:until IS NULL OR occurred_at <= :until);

-- name: within_memory
-- Memories of a session that reach into a span of time.
SELECT id FROM memories WHERE anima_no = :anima_no
  AND (:session_id IS NULL OR session_id = :session_id)
  AND (:since IS NULL OR time_end >= :since) AND (:until IS NULL OR time_start <= :until);

-- name: within_knowledge
-- Knowledge of a session that was said in a span of time.
SELECT knowledge.id FROM knowledge LEFT JOIN memories ON memories.id = knowledge.memory_id
WHERE knowledge.id BETWEEN :anima_no << 32 AND ((:anima_no + 1) << 32) - 1
  AND (:session_id IS NULL OR memories.session_id = :session_id)
  AND (:since IS NULL OR knowledge.valid_from >= :since)
  AND (:until IS NULL OR knowledge.valid_from <= :until);

-- name: author_names
-- Who speaks in an anima.
SELECT DISTINCT author FROM events INDEXED BY events_author
WHERE anima_no = :anima_no AND author IS NOT NULL ORDER BY author LIMIT 256;
