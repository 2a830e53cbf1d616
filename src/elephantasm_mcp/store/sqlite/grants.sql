-- name: add_grant
-- One anima may read of another from now on.
INSERT INTO grants (
  uuid, source_no, reader_no, source_user, reader_user, knowledge, memories, granted_by, granted_at
) VALUES (
  :uuid, :source_no, :reader_no, :source_user, :reader_user, :knowledge, :memories, :granted_by,
  :granted_at
);

-- name: grants_held
-- What stands of what an anima may read; not what was given while somebody else owned one of them.
SELECT grants.uuid, source_no, source.uuid AS source_uuid, source.name AS source_name,
  source.revision AS source_revision, users.name AS user_name, source_user, reader_user,
  knowledge, memories, granted_at
FROM grants INDEXED BY grants_standing
JOIN animas AS source ON source.anima_no = source_no AND source.user_no = source_user
JOIN animas AS reader ON reader.anima_no = reader_no AND reader.user_no = reader_user
JOIN users ON users.user_no = source_user
WHERE reader_no = :reader_no AND revoked_at IS NULL ORDER BY source_no;

-- name: grants_held_as_of
-- The same at a moment: what stood then, as far as it stands today too.
SELECT past.uuid, past.source_no, source.uuid AS source_uuid, source.name AS source_name,
  source.revision AS source_revision, users.name AS user_name, past.source_user, past.reader_user,
  past.knowledge AND today.knowledge AS knowledge, past.memories AND today.memories AS memories,
  past.granted_at
FROM grants AS past
JOIN grants AS today INDEXED BY grants_standing
  ON today.reader_no = past.reader_no AND today.source_no = past.source_no
  AND today.revoked_at IS NULL
JOIN animas AS source ON source.anima_no = today.source_no AND source.user_no = today.source_user
JOIN animas AS reader ON reader.anima_no = today.reader_no AND reader.user_no = today.reader_user
JOIN users ON users.user_no = today.source_user
WHERE past.reader_no = :reader_no AND past.granted_at <= :as_of
  AND ifnull(past.revoked_at > :as_of, 1)
  AND (past.knowledge AND today.knowledge OR past.memories AND today.memories)
ORDER BY past.source_no;

-- name: readers_of_anima
-- The animas that may read of one.
SELECT reader_no FROM grants WHERE source_no = :source_no AND revoked_at IS NULL ORDER BY reader_no;

-- name: standing_grant
-- The grant that stands between two animas.
SELECT uuid FROM grants INDEXED BY grants_standing
WHERE reader_no = :reader_no AND source_no = :source_no AND revoked_at IS NULL;

-- name: refused_grant
-- A grant that the reader's owner ended, and did not give.
SELECT grant_no FROM grants
WHERE reader_no = :reader_no AND source_no = :source_no AND revoked_by = :reader_user
  AND source_user != :reader_user LIMIT 1;

-- name: grants_of_anima
-- All that was ever given of an anima or to it, oldest first.
SELECT grants.*,
  source.uuid AS source_uuid, source.name AS source_name, source_owner.name AS source_owner,
  reader.uuid AS reader_uuid, reader.name AS reader_name, reader_owner.name AS reader_owner,
  giver.name AS giver, ender.name AS ender
FROM grants
LEFT JOIN animas AS source ON source.anima_no = source_no
LEFT JOIN animas AS reader ON reader.anima_no = reader_no
JOIN users AS source_owner ON source_owner.user_no = source_user
JOIN users AS reader_owner ON reader_owner.user_no = reader_user
JOIN users AS giver ON giver.user_no = granted_by
LEFT JOIN users AS ender ON ender.user_no = revoked_by
WHERE source_no = :anima_no OR reader_no = :anima_no ORDER BY grant_no;

-- name: grant_by_uuid
-- One grant.
SELECT grants.*,
  source.uuid AS source_uuid, source.name AS source_name, source_owner.name AS source_owner,
  reader.uuid AS reader_uuid, reader.name AS reader_name, reader_owner.name AS reader_owner,
  giver.name AS giver, ender.name AS ender
FROM grants
LEFT JOIN animas AS source ON source.anima_no = source_no
LEFT JOIN animas AS reader ON reader.anima_no = reader_no
JOIN users AS source_owner ON source_owner.user_no = source_user
JOIN users AS reader_owner ON reader_owner.user_no = reader_user
JOIN users AS giver ON giver.user_no = granted_by
LEFT JOIN users AS ender ON ender.user_no = revoked_by
WHERE grants.uuid = :uuid;

-- name: revoke_grant
-- End a grant that stands.
UPDATE grants SET revoked_by = :revoked_by, revoked_at = :now
WHERE uuid = :uuid AND revoked_at IS NULL;

-- name: touch_readers
-- Say that the packs of those who read of an anima may now look different.
UPDATE animas SET revision = revision + 1 WHERE anima_no IN (
  SELECT reader_no FROM grants WHERE source_no = :source_no AND revoked_at IS NULL
);

-- name: end_grants
-- End what was given of an anima and to it, for it is removed or given away.
UPDATE grants SET revoked_at = :now
WHERE (source_no = :anima_no OR reader_no = :anima_no) AND revoked_at IS NULL;

-- name: erase_reads_of_readers
-- Forget what clients saw of those who ever read of an anima: its name stands there.
DELETE FROM packs WHERE anima_no IN (SELECT reader_no FROM grants WHERE source_no = :anima_no);

-- name: restore_grant
-- A grant in a store that is set up again.
INSERT INTO grants (
  uuid, source_no, reader_no, source_user, reader_user, knowledge, memories, granted_by, granted_at
) VALUES (
  :uuid, :source_no, :reader_no, :source_user, :reader_user, :knowledge, :memories, :source_user,
  :granted_at
);
