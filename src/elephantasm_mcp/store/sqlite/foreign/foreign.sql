-- Earlier versions had fewer columns. Of two columns of one name, SQLite gives that name to the first
-- one in a subquery: `SELECT *, NULL AS role` has the role of the table, or else NULL.

-- name: mem0_history
-- What each memory of mem0 was last, but for those that were deleted (mem0ai 2.0.18, history.db).
SELECT CAST(memory_id AS BLOB) AS memory_id, CAST(memory AS BLOB) AS memory,
  iif(typeof(created_at) = 'text', CAST(created_at AS BLOB), created_at) AS created_at,
  iif(typeof(updated_at) = 'text', CAST(updated_at AS BLOB), updated_at) AS updated_at,
  CAST(actor_id AS BLOB) AS actor_id, CAST(role AS BLOB) AS role
FROM (
  SELECT max(row) AS last, memory_id, new_memory AS memory, created_at, updated_at, actor_id, role,
    event, is_deleted
  FROM (
    SELECT rowid AS row, *, NULL AS created_at, NULL AS updated_at, NULL AS actor_id, NULL AS role,
      NULL AS event, NULL AS is_deleted
    FROM history
  ) GROUP BY memory_id
) WHERE upper(ifnull(event, '')) <> 'DELETE' AND NOT ifnull(is_deleted, 0) ORDER BY last;

-- name: memory_service_memories
-- The memories of mcp-memory-service 10.59.0 that were not deleted.
SELECT CAST(content AS BLOB) AS content, CAST(content_hash AS BLOB) AS content_hash,
  CAST(tags AS BLOB) AS tags, CAST(memory_type AS BLOB) AS memory_type,
  CAST(metadata AS BLOB) AS metadata,
  iif(typeof(created_at) = 'text', CAST(created_at AS BLOB), created_at) AS created_at,
  CAST(created_at_iso AS BLOB) AS created_at_iso
FROM (
  SELECT rowid AS row, *, NULL AS tags, NULL AS memory_type, NULL AS metadata, NULL AS created_at,
    NULL AS created_at_iso, NULL AS deleted_at
  FROM memories
) WHERE deleted_at IS NULL ORDER BY row;
