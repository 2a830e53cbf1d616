-- Which rows changed in another way than by being added, and at which epoch of their anima: who holds
-- an older state reads those anew and nothing else.

CREATE TABLE row_changes (
  anima_no INTEGER NOT NULL,
  layer    TEXT NOT NULL,
  id       INTEGER NOT NULL,
  -- the anima's epoch since its last change; every change has one of its own
  epoch    INTEGER NOT NULL,
  PRIMARY KEY (anima_no, layer, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX row_changes_epoch ON row_changes (anima_no, epoch);

-- What changed before was not noted: blocks of an earlier epoch cannot be mended.
DELETE FROM segments
WHERE epoch <> (SELECT vector_epoch FROM animas WHERE animas.anima_no = segments.anima_no);
