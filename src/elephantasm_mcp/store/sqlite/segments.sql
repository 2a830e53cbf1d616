-- name: segment_chain
-- What is kept of an anima, without its bytes.
SELECT part, first, rows, format, epoch, event, memory, knowledge FROM segments
WHERE anima_no = :anima_no ORDER BY part, first;

-- name: segment_part
-- One part of all blocks of an anima, in their order.
SELECT first, rows, epoch, data FROM segments
WHERE anima_no = :anima_no AND part = :part AND format = :format ORDER BY first;

-- name: segment_rows
-- The rows of one block.
SELECT data FROM segments WHERE anima_no = :anima_no AND part = '' AND first = :first;

-- name: put_segment
-- One part of a block.
INSERT INTO segments (anima_no, part, first, rows, format, epoch, event, memory, knowledge, data)
VALUES (:anima_no, :part, :first, :rows, :format, :epoch, :event, :memory, :knowledge, :data);

-- name: delete_segments_from
-- Cut a chain: forget its blocks from a place on.
DELETE FROM segments WHERE anima_no = :anima_no AND first >= :first;

-- name: delete_some_other_segments
-- Blocks of another format: so few that nobody waits long.
DELETE FROM segments WHERE id IN (
  SELECT id FROM segments WHERE anima_no = :anima_no AND format <> :format LIMIT :limit
);
