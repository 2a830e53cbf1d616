-- What people's hand needs: what was forgotten, and what packs showed.

-- Tombstones: that there was such a row, and since when it is no more.
CREATE TABLE forgotten (
  layer TEXT NOT NULL,
  id    INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  PRIMARY KEY (layer, id)
) STRICT, WITHOUT ROWID;

-- An action whose words were erased: it still says what happened when, and cannot be taken back.
ALTER TABLE dream_actions ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- When something was erased last: what a process read before and did not write yet, it drops.
ALTER TABLE animas ADD COLUMN erased_at INTEGER;

-- How many packs of an anima were read, and how often a row stood in one.
ALTER TABLE animas ADD COLUMN packs_read INTEGER NOT NULL DEFAULT 0;
CREATE TABLE shown (
  layer        TEXT NOT NULL,
  id           INTEGER NOT NULL,
  times        INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  -- how many packs had been read before it stood in one
  packs_before INTEGER NOT NULL,
  PRIMARY KEY (layer, id)
) STRICT, WITHOUT ROWID;
