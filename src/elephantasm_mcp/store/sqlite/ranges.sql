-- name: next_numbered
-- The lowest id of a range that a row has, or had: in each table it is found at once by an index.
SELECT min(id) AS id FROM (
  SELECT min(id) AS id FROM events WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM memories WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM knowledge WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM identities WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM conflicts WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM dreams WHERE id BETWEEN :low AND :high
  UNION ALL
  SELECT min(dream_id) FROM dream_actions WHERE dream_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(dream_id) FROM dream_events WHERE dream_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(memory_id) FROM folded_uses WHERE memory_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(memory_id) FROM accesses WHERE memory_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(event_id) FROM unmade WHERE event_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM dream_actions WHERE layer = 'memory' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM dream_actions WHERE layer = 'knowledge' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM dream_actions WHERE layer = 'identity' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM dream_actions WHERE layer = 'conflict' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM declined WHERE layer = 'memory' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM declined WHERE layer = 'knowledge' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM declined WHERE layer = 'identity' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(row_id) FROM declined WHERE layer = 'conflict' AND row_id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM shown WHERE layer = 'memory' AND id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM shown WHERE layer = 'knowledge' AND id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM forgotten WHERE layer = 'event' AND id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM forgotten WHERE layer = 'memory' AND id BETWEEN :low AND :high
  UNION ALL
  SELECT min(id) FROM forgotten WHERE layer = 'knowledge' AND id BETWEEN :low AND :high
);
