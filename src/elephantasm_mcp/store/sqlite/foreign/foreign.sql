-- name: mem0_history
-- What each memory of mem0 was last, but for those that were deleted (mem0ai 2.0.18, history.db).
SELECT memory_id, memory, created_at, updated_at, actor_id, role FROM (
  SELECT max(rowid) AS last, memory_id, new_memory AS memory, created_at, updated_at, actor_id, role,
    event, is_deleted
  FROM history GROUP BY memory_id
) WHERE upper(ifnull(event, '')) <> 'DELETE' AND NOT ifnull(is_deleted, 0) ORDER BY last;

-- name: memory_service_memories
-- The memories of mcp-memory-service 10.59.0 that were not deleted.
SELECT content, content_hash, tags, memory_type, metadata, created_at, created_at_iso FROM memories
WHERE deleted_at IS NULL ORDER BY id;
