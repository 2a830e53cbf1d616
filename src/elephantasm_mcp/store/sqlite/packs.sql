-- name: last_read
-- What a client saw when it last read the pack of an anima.
SELECT hash, items, compiled_at FROM packs
WHERE anima_no = :anima_no AND user_no = :user_no AND client = :client;

-- name: put_read
-- What a client saw now.
INSERT INTO packs (anima_no, user_no, client, hash, items, compiled_at)
VALUES (:anima_no, :user_no, :client, :hash, :items, :compiled_at)
ON CONFLICT DO UPDATE SET
  hash = excluded.hash, items = excluded.items, compiled_at = excluded.compiled_at;

-- name: give_reads
-- What clients saw of an anima goes to its new user.
UPDATE OR REPLACE packs SET user_no = :user_no WHERE anima_no = :anima_no;
