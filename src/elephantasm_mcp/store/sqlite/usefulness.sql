-- name: count_pack
-- One more pack of an anima was read.
UPDATE animas SET packs_read = packs_read + :packs WHERE anima_no = :anima_no;

-- name: count_shown
-- A row stood in packs; how many had been read before its first is kept.
INSERT INTO shown (layer, id, times, last_at, packs_before)
SELECT :layer, :id, :times, :now, packs_read FROM animas WHERE anima_no = :anima_no
ON CONFLICT DO UPDATE SET times = times + excluded.times, last_at = excluded.last_at;

-- name: packs_read
-- How many packs of an anima were read.
SELECT packs_read FROM animas WHERE anima_no = :anima_no;

-- name: memory_uses
-- The living memories of an anima, with how packs used them.
SELECT memories.id, summary AS text, created_at, times, packs_before,
  nullif(max(
    ifnull(shown.last_at, 0), ifnull(accesses.last_at, 0), ifnull(last_accessed_at, 0)
  ), 0) AS last_at
FROM memories
LEFT JOIN shown ON shown.layer = 'memory' AND shown.id = memories.id
LEFT JOIN accesses ON memory_id = memories.id
WHERE memories.id BETWEEN :low AND :high AND superseded_by IS NULL AND state <> 'archived'
ORDER BY memories.id;

-- name: knowledge_uses
-- The knowledge of an anima that holds, with how packs used it.
SELECT knowledge.id, content AS text, created_at, times, packs_before, shown.last_at AS last_at
FROM knowledge
LEFT JOIN shown ON shown.layer = 'knowledge' AND shown.id = knowledge.id
WHERE knowledge.id BETWEEN :low AND :high AND superseded_by IS NULL AND archived = 0
ORDER BY knowledge.id;
