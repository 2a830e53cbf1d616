-- Which calls of a language model a dry run took, so that the dream that comes of it says so.
ALTER TABLE plans ADD COLUMN calls TEXT NOT NULL DEFAULT '[]';
