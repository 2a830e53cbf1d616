-- What keeps a forgotten event from being stored again.

-- a digest of its dedupe key, which may have held words; NULL: it had none, or went before this
ALTER TABLE forgotten ADD COLUMN key_digest BLOB;
CREATE INDEX forgotten_keys ON forgotten (key_digest, id) WHERE key_digest IS NOT NULL;
