-- name: add_key
-- A new API key: what it is good for, and the digest by which it is known again.
INSERT INTO api_keys (uuid, user_no, name, prefix, digest, created_at, scopes, animas, expires_at)
VALUES (:uuid, :user_no, :name, :prefix, :digest, :now, :scopes, :animas, :expires_at);

-- name: key_by_digest
-- The key that was shown.
SELECT api_keys.*, users.name AS user_name FROM api_keys JOIN users USING (user_no)
WHERE digest = :digest;

-- name: key_by_uuid
-- One key by its id.
SELECT api_keys.*, users.name AS user_name FROM api_keys JOIN users USING (user_no)
WHERE api_keys.uuid = :uuid;

-- name: keys
-- All keys, those that were revoked too, oldest first.
SELECT api_keys.*, users.name AS user_name FROM api_keys JOIN users USING (user_no)
ORDER BY api_keys.created_at, api_keys.uuid;

-- name: any_key
-- Whether a key was ever made.
SELECT 1 AS found FROM api_keys LIMIT 1;

-- name: revoke_key
-- A key is good for nothing any more; only once.
UPDATE api_keys SET revoked_at = :now WHERE uuid = :uuid AND revoked_at IS NULL;

-- name: set_key_used
-- When a key was last used.
UPDATE api_keys SET last_used_at = max(ifnull(last_used_at, :at), :at) WHERE uuid = :uuid;
