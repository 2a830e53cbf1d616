-- name: events_of_session
-- The events of one session.
SELECT id FROM events WHERE anima_no = :anima_no AND session_id = :session_id ORDER BY id;

-- name: all_event
-- Every event of an anima.
SELECT id FROM events WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: all_memory
-- Every memory of an anima, whatever its state.
SELECT id FROM memories WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: all_knowledge
-- Every piece of knowledge of an anima, whatever its state.
SELECT id FROM knowledge WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: made_of
-- Memories and knowledge that were made of some rows; ids is a JSON array.
SELECT DISTINCT layer, id FROM links
WHERE source_layer = :source_layer AND source_id IN (SELECT value FROM json_each(:ids))
  AND layer IN ('memory', 'knowledge')
ORDER BY layer, id;

-- name: knowledge_in
-- What was extracted from some memories; ids is a JSON array.
SELECT id FROM knowledge WHERE memory_id IN (SELECT value FROM json_each(:ids)) ORDER BY id;

-- name: first_snapshot
-- A row as its first change left it.
SELECT after FROM dream_actions WHERE layer = :layer AND row_id = :row_id ORDER BY position LIMIT 1;

-- name: superseded_memory
-- The memories of an anima that some of its memories took the place of; ids is a JSON array.
SELECT id FROM memories INDEXED BY memories_hidden
WHERE (superseded_by IS NOT NULL OR state = 'archived') AND id BETWEEN :low AND :high
  AND superseded_by IN (SELECT value FROM json_each(:ids));

-- name: superseded_knowledge
-- The knowledge of an anima that some of its knowledge took the place of; ids is a JSON array.
SELECT id FROM knowledge INDEXED BY knowledge_hidden
WHERE (superseded_by IS NOT NULL OR archived = 1) AND id BETWEEN :low AND :high
  AND superseded_by IN (SELECT value FROM json_each(:ids));

-- name: erase_event
-- Remove events for good; ids is a JSON array.
DELETE FROM events WHERE id IN (SELECT value FROM json_each(:ids));

-- name: give_back
-- Let events be pending again; ids is a JSON array.
UPDATE events SET state = 'pending', updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_consumption
-- Forget which dreams consumed some events; ids is a JSON array.
DELETE FROM dream_events WHERE event_id IN (SELECT value FROM json_each(:ids));

-- name: erase_memory
-- Remove memories for good; ids is a JSON array.
DELETE FROM memories WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_knowledge
-- Remove knowledge for good; ids is a JSON array.
DELETE FROM knowledge WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_links
-- Forget what some rows were made of, and the words that were quoted; ids is a JSON array.
DELETE FROM links WHERE layer = :layer AND id IN (SELECT value FROM json_each(:ids));

-- name: erase_accesses
-- Forget uses of memories that were not folded in; ids is a JSON array.
DELETE FROM accesses WHERE memory_id IN (SELECT value FROM json_each(:ids));

-- name: erase_folded_uses
-- Forget uses of memories that were folded in; ids is a JSON array.
DELETE FROM folded_uses WHERE memory_id IN (SELECT value FROM json_each(:ids));

-- name: erase_shown
-- Forget in how many packs some rows stood; ids is a JSON array.
DELETE FROM shown WHERE layer = :layer AND id IN (SELECT value FROM json_each(:ids));

-- name: erase_declined
-- Forget what was taken back on some rows; ids is a JSON array.
DELETE FROM declined WHERE layer = :layer AND row_id IN (SELECT value FROM json_each(:ids));

-- name: add_tombstones
-- Note that there were such rows; ids is a JSON array.
INSERT OR IGNORE INTO forgotten (layer, id, at) SELECT :layer, value, :now FROM json_each(:ids);

-- name: keys_of_events
-- The dedupe keys of those of some events that have one; ids is a JSON array.
SELECT id, dedupe_key FROM events
WHERE id IN (SELECT value FROM json_each(:ids)) AND dedupe_key IS NOT NULL;

-- name: keep_key_digest
-- Note by what an event that is no more would be known again.
UPDATE forgotten SET key_digest = :key_digest WHERE layer = 'event' AND id = :id;

-- name: tombstone
-- Since when a row is forgotten.
SELECT at FROM forgotten WHERE layer = :layer AND id = :id;

-- name: erase_actions_on
-- Leave of the changes of some rows only that they were; ids is a JSON array.
UPDATE dream_actions SET before = NULL, after = NULL, reasoning = '', inputs = '', forgotten = 1
WHERE layer = :layer AND row_id IN (SELECT value FROM json_each(:ids));

-- name: erase_all_actions
-- Leave of all changes of an anima only that they were.
UPDATE dream_actions SET before = NULL, after = NULL, reasoning = '', inputs = '', forgotten = 1
WHERE dream_id BETWEEN :low AND :high;

-- name: actions_with_words
-- The changes of an anima that still say what was changed.
SELECT dream_id, position, layer, row_id, before, after, sources, reasoning FROM dream_actions
WHERE dream_id BETWEEN :low AND :high
  AND (before IS NOT NULL OR after IS NOT NULL OR reasoning <> '');

-- name: rewrite_action
-- A change without what was erased of it.
UPDATE dream_actions SET
  before = :before, after = :after, reasoning = :reasoning,
  inputs = iif(:forgotten, '', inputs), forgotten = max(forgotten, :forgotten)
WHERE dream_id = :dream_id AND position = :position;

-- name: erase_reads
-- Forget what clients saw in packs of an anima.
DELETE FROM packs WHERE anima_no = :anima_no;

-- name: erase_answers
-- Forget the answers that are kept for a user's repeated requests.
DELETE FROM idempotency WHERE user_no = :user_no;

-- name: erase_identities
-- Forget who an agent was.
DELETE FROM identities WHERE id BETWEEN :low AND :high;

-- name: erase_identity
-- Forget one version of who an agent was.
DELETE FROM identities WHERE id = :id;

-- name: conflicts_about
-- The conflicts that some rows of a layer are a side of; ids is a JSON array.
SELECT id FROM conflicts WHERE id BETWEEN :low AND :high AND of_layer = :layer AND (
  first_id IN (SELECT value FROM json_each(:ids)) OR second_id IN (SELECT value FROM json_each(:ids))
);

-- name: erase_conflicts
-- Forget what was asked; ids is a JSON array.
DELETE FROM conflicts WHERE id IN (SELECT value FROM json_each(:ids));

-- name: erase_all_conflicts
-- Forget all that was asked in an anima.
DELETE FROM conflicts WHERE id BETWEEN :low AND :high;

-- name: erase_plans
-- Forget what dry runs of an anima proposed.
DELETE FROM plans WHERE anima_no = :anima_no;

-- name: delete_orders
-- Remove what agents were asked to make of events of an anima.
DELETE FROM work_orders WHERE anima_no = :anima_no;

-- name: erase_call_errors
-- Forget why language models failed for an anima.
UPDATE calls SET error = '' WHERE anima_no = :anima_no;

-- name: erase_notes
-- Forget what dreams of an anima had to say of themselves.
UPDATE dreams SET note = '' WHERE id BETWEEN :low AND :high AND note <> '';

-- name: erase_unmade
-- Forget that a model made nothing of some events; ids is a JSON array.
DELETE FROM unmade WHERE event_id IN (SELECT value FROM json_each(:ids));

-- name: erase_job_errors
-- Forget what went wrong with the jobs of an anima.
UPDATE jobs SET last_error = NULL WHERE anima_no = :anima_no;

-- name: note_erasure
-- When rows of an anima were erased last; its last event is the last of those that are left.
UPDATE animas SET
  erased_at = :now,
  revision = revision + 1,
  last_event_at = (SELECT max(occurred_at) FROM events WHERE events.anima_no = animas.anima_no)
WHERE anima_no = :anima_no;

-- name: erased_at
-- When rows of an anima were erased last; NULL for never, no row when the anima has gone.
SELECT erased_at FROM animas WHERE anima_no = :anima_no;

-- name: owe_scrub
-- Note, until it is done, that deleted bytes are still in the files.
INSERT OR REPLACE INTO properties (key, value) VALUES ('scrub owed', :now);

-- name: scrub_done
-- No deleted byte is left.
DELETE FROM properties WHERE key = 'scrub owed';

-- name: delete_dream_actions
-- Remove the changes of an anima.
DELETE FROM dream_actions WHERE dream_id BETWEEN :low AND :high;

-- name: delete_dream_events
-- Remove which events the dreams of an anima consumed.
DELETE FROM dream_events WHERE dream_id BETWEEN :low AND :high;

-- name: delete_dreams
-- Remove the journal of an anima.
DELETE FROM dreams WHERE id BETWEEN :low AND :high;

-- name: delete_tombstones
-- Remove the tombstones of a layer of an anima.
DELETE FROM forgotten WHERE layer = :layer AND id BETWEEN :low AND :high;

-- name: delete_marks
-- Remove how far the rows of an anima had vectors.
DELETE FROM index_marks WHERE anima_no = :anima_no;

-- name: delete_row_changes
-- Remove which rows of an anima changed when.
DELETE FROM row_changes WHERE anima_no = :anima_no;

-- name: delete_jobs
-- Remove the jobs of an anima.
DELETE FROM jobs WHERE anima_no = :anima_no;

-- name: delete_anima
-- Remove an anima that is empty.
DELETE FROM animas WHERE anima_no = :anima_no;
