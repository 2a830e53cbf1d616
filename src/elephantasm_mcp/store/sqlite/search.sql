-- name: event_rows
-- What recall needs of the events above a row id.
SELECT id, content, author, role, session_id, occurred_at FROM events
WHERE id > :after AND id <= :high ORDER BY id LIMIT :limit;

-- name: memory_rows
-- What recall needs of the memories above a row id.
SELECT id, summary, content, session_id, time_start, time_end FROM memories
WHERE id > :after AND id <= :high ORDER BY id LIMIT :limit;

-- name: knowledge_rows
-- What recall needs of the knowledge above a row id.
SELECT knowledge.id, knowledge.content, memories.session_id, knowledge.valid_from FROM knowledge
LEFT JOIN memories ON memories.id = knowledge.memory_id
WHERE knowledge.id > :after AND knowledge.id <= :high ORDER BY knowledge.id LIMIT :limit;

-- name: hidden_memory
-- Memories that recall leaves out: superseded or archived.
SELECT id FROM memories INDEXED BY memories_hidden
WHERE (superseded_by IS NOT NULL OR state = 'archived') AND id BETWEEN :low AND :high;

-- name: hidden_knowledge
-- Knowledge that recall leaves out: superseded or archived.
SELECT id FROM knowledge INDEXED BY knowledge_hidden
WHERE (superseded_by IS NOT NULL OR archived = 1) AND id BETWEEN :low AND :high;

-- name: index_marks
-- Up to which number the rows of an anima have their vectors, by layer and model.
SELECT layer, model, upto FROM index_marks WHERE anima_no = :anima_no;

-- name: set_index_mark
-- All rows of a layer up to this number have their vectors under a model.
INSERT INTO index_marks (anima_no, layer, model, upto) VALUES (:anima_no, :layer, :model, :upto)
ON CONFLICT DO UPDATE SET upto = excluded.upto;

-- name: lower_index_marks
-- The vectors of a row have gone: look for what is missing from there on.
UPDATE index_marks SET upto = min(upto, :upto) WHERE anima_no = :anima_no AND layer = :layer;

-- name: behind_event
-- Animas with events that may have no vector under a model yet.
SELECT animas.anima_no FROM animas
LEFT JOIN index_marks AS marks ON marks.anima_no = animas.anima_no AND layer = 'event' AND model = :model
WHERE event_seq > ifnull(upto, 0);

-- name: behind_memory
-- Animas with memories that may have no vector under a model yet.
SELECT animas.anima_no FROM animas
LEFT JOIN index_marks AS marks ON marks.anima_no = animas.anima_no AND layer = 'memory' AND model = :model
WHERE memory_seq > ifnull(upto, 0);

-- name: behind_knowledge
-- Animas with knowledge that may have no vector under a model yet.
SELECT animas.anima_no FROM animas
LEFT JOIN index_marks AS marks
  ON marks.anima_no = animas.anima_no AND layer = 'knowledge' AND model = :model
WHERE knowledge_seq > ifnull(upto, 0);

-- name: put_vector
-- A row's vector under one model, unless it has one.
INSERT OR IGNORE INTO vectors (layer, model, id, vector) VALUES (:layer, :model, :id, :vector);

-- name: vector_models
-- Under which models the rows of a layer may have vectors.
SELECT model FROM index_marks WHERE anima_no = :anima_no AND layer = :layer;

-- name: delete_vector
-- Forget a row's vector under one model.
DELETE FROM vectors WHERE layer = :layer AND model = :model AND id = :id;

-- name: note_change
-- A row changed at the epoch that its anima has now.
INSERT INTO row_changes (anima_no, layer, id, epoch)
SELECT anima_no, :layer, :id, vector_epoch FROM animas WHERE anima_no = :anima_no
ON CONFLICT DO UPDATE SET epoch = excluded.epoch;

-- name: changes_after
-- The rows of an anima whose last change came after an epoch, in the order of their changes.
SELECT layer, id, epoch FROM row_changes WHERE anima_no = :anima_no AND epoch > :epoch ORDER BY epoch;

-- name: vectors_after
-- Vectors of an anima under one model, above a row id.
SELECT id, vector FROM vectors
WHERE layer = :layer AND model = :model AND id > :after AND id <= :high ORDER BY id;

-- name: missing_vectors_event
-- Events without a vector under one model.
SELECT id FROM events WHERE id > :after AND id <= :high
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'event' AND model = :model AND vectors.id = events.id
  )
ORDER BY id LIMIT :limit;

-- name: missing_vectors_memory
-- Memories without a vector under one model.
SELECT id FROM memories WHERE id > :after AND id <= :high
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'memory' AND model = :model AND vectors.id = memories.id
  )
ORDER BY id LIMIT :limit;

-- name: missing_vectors_knowledge
-- Knowledge without a vector under one model.
SELECT id FROM knowledge WHERE id > :after AND id <= :high
  AND NOT EXISTS (
    SELECT 1 FROM vectors WHERE layer = 'knowledge' AND model = :model AND vectors.id = knowledge.id
  )
ORDER BY id LIMIT :limit;
