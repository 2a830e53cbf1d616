-- What an API key is good for.

ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '["read", "write"]';
-- a JSON list of the ids of animas in hexadecimal; NULL: all of the user's
ALTER TABLE api_keys ADD COLUMN animas TEXT;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
