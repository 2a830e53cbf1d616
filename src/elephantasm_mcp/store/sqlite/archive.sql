-- name: archived_anima
-- An anima as an archive has it.
SELECT lower(hex(uuid)) AS id, name, description, meta, settings, created_at, updated_at,
  event_seq, memory_seq, knowledge_seq, dream_seq, action_seq, identity_seq, conflict_seq,
  last_event_at, light_sleep_at, deep_sleep_at, deep_sleep_upto, erased_at, packs_read
FROM animas WHERE anima_no = :anima_no;

-- name: archived_event
-- Events of a range, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS id, event_type, role, author, summary, content,
  occurred_at, session_id, meta, source_uri, dedupe_key, lower(hex(content_hash)) AS content_hash,
  importance, tokens, redactions, trust, state, created_at, updated_at
FROM events WHERE id BETWEEN :low AND :high ORDER BY events.id;

-- name: archived_memory
-- Memories of a range with what is derived of them, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS uuid, version, summary, content, importance,
  confidence, state, time_start, time_end, session_id, meta, provisional, synthesizer, pinned, trust,
  superseded_by, created_at, updated_at, recency_score, decay_score, access_count, last_accessed_at
FROM memories WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: archived_knowledge
-- Knowledge of a range, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS uuid, version, type, content, confidence,
  valid_from, valid_until, memory_id, provisional, synthesizer, pinned, trust, superseded_by, archived,
  created_at, updated_at
FROM knowledge WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: archived_identity
-- Versions of the identity of a range, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS uuid, version, personality_type,
  communication_style, self_reflection, prose, statements, synthesizer, created_at, updated_at
FROM identities WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: archived_conflict
-- Conflicts of a range, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS uuid, version, of_layer, first_id, second_id,
  question, state, kept_id, created_at, updated_at
FROM conflicts WHERE id BETWEEN :low AND :high ORDER BY id;

-- name: archived_links
-- What the derived rows of a range were made of.
SELECT id & 4294967295, source_layer, source_id, quote
FROM links WHERE layer = :layer AND id BETWEEN :low AND :high ORDER BY id, position;

-- name: archived_dream
-- Runs of a range, by number.
SELECT id & 4294967295 AS no, lower(hex(uuid)) AS id, phase, actor, synthesizer, started_at,
  finished_at, counts, tokens, undoes & 4294967295 AS undoes, undone_by & 4294967295 AS undone_by, note
FROM dreams WHERE id BETWEEN :low AND :high ORDER BY dreams.id;

-- name: archived_action
-- The changes of a range of runs, in order.
SELECT dream_id & 4294967295 AS dream, position, kind AS change, layer, row_id & 4294967295 AS no,
  before, after, sources, reasoning, operation, inputs, model, tokens, forgotten, at
FROM dream_actions WHERE dream_id BETWEEN :low AND :high ORDER BY dream_id, position;

-- name: archived_consumption
-- The events that a range of runs consumed.
SELECT dream_id & 4294967295 AS dream, event_id & 4294967295 AS event, before, after, at
FROM dream_events WHERE dream_id BETWEEN :low AND :high ORDER BY dream_id, event_id;

-- name: archived_declined
-- Operations on rows of a range that a person took back.
SELECT row_id & 4294967295 AS no, layer, operation, inputs FROM declined
WHERE layer IN ('conflict', 'identity', 'knowledge', 'memory') AND row_id BETWEEN :low AND :high
ORDER BY row_id, layer, operation;

-- name: archived_uses
-- Uses of the memories of a range that light sleep counted.
SELECT memory_id & 4294967295 AS no, at, uses, last_at
FROM folded_uses WHERE memory_id BETWEEN :low AND :high ORDER BY memory_id, at;

-- name: archived_access
-- Uses of the memories of a range that wait for light sleep.
SELECT memory_id & 4294967295 AS no, uses, last_at
FROM accesses WHERE memory_id BETWEEN :low AND :high ORDER BY memory_id;

-- name: archived_shown
-- How often rows of a range stood in packs.
SELECT id & 4294967295 AS no, layer, times, last_at, packs_before FROM shown
WHERE layer IN ('knowledge', 'memory') AND id BETWEEN :low AND :high ORDER BY id, layer;

-- name: archived_forgotten
-- What is no more of a range.
SELECT id & 4294967295 AS no, layer, at, nullif(lower(hex(key_digest)), '') AS key_digest FROM forgotten
WHERE layer IN ('event', 'knowledge', 'memory') AND id BETWEEN :low AND :high ORDER BY id, layer;

-- name: archived_unmade
-- Events of a range of which a model makes nothing.
SELECT event_id & 4294967295 AS event, model, at
FROM unmade WHERE event_id BETWEEN :low AND :high ORDER BY event_id, model;

-- name: archived_call
-- The calls of language models for an anima, numbered in their order.
SELECT row_number() OVER (ORDER BY call_no) AS no, call_no, dream_id & 4294967295 AS dream, purpose,
  model, at, tokens, tokens_in, tokens_out, cost_usd, duration_us, outcome, error
FROM calls WHERE anima_no = :anima_no ORDER BY call_no;

-- name: archived_plan
-- The plans of an anima that nobody answered.
SELECT lower(hex(uuid)) AS id, phase, synthesizer, tokens, calls, operations, created_at, expires_at
FROM plans WHERE anima_no = :anima_no AND completed_at IS NULL ORDER BY uuid;

-- name: archived_order
-- The open work orders of an anima that its user was given.
SELECT lower(hex(uuid)) AS id, events, created_at, expires_at FROM work_orders
WHERE anima_no = :anima_no AND user_no = :user_no AND state = 'open' ORDER BY uuid;

-- name: archived_grant
-- What animas of a user were given to read of each other.
SELECT lower(hex(grants.uuid)) AS id, lower(hex(source.uuid)) AS source,
  lower(hex(reader.uuid)) AS reader, knowledge, memories, granted_at,
  revoked_by IS NOT NULL AS ended_by_person, revoked_at
FROM grants
JOIN animas AS source ON source.anima_no = source_no
JOIN animas AS reader ON reader.anima_no = reader_no
WHERE source_user = :user_no AND reader_user = :user_no
  AND source.user_no = :user_no AND reader.user_no = :user_no
ORDER BY grants.uuid;

-- name: owner_of_anima
-- Whose an anima is, and its number.
SELECT anima_no, user_no FROM animas WHERE uuid = :uuid;

-- name: unarchive_anima
-- An anima out of an archive; nothing happens when its user has another one of that name.
INSERT INTO animas (
  uuid, user_no, name, description, meta, settings, created_at, updated_at, event_seq, memory_seq,
  knowledge_seq, dream_seq, action_seq, identity_seq, conflict_seq, last_event_at, light_sleep_at,
  deep_sleep_at, deep_sleep_upto, erased_at, packs_read, revision
) VALUES (
  unhex(:id), :user_no, :name, :description, :meta, :settings, :created_at, :updated_at, :event_seq,
  :memory_seq, :knowledge_seq, :dream_seq, :action_seq, :identity_seq, :conflict_seq, :last_event_at,
  :light_sleep_at, :deep_sleep_at, :deep_sleep_upto, :erased_at, :packs_read, 1
) ON CONFLICT DO NOTHING;

-- name: advance_anima
-- An anima that has rows of an archive now: it counts on from the later of both.
UPDATE animas SET
  event_seq = max(event_seq, :event_seq),
  memory_seq = max(memory_seq, :memory_seq),
  knowledge_seq = max(knowledge_seq, :knowledge_seq),
  dream_seq = max(dream_seq, :dream_seq),
  action_seq = max(action_seq, :action_seq),
  identity_seq = max(identity_seq, :identity_seq),
  conflict_seq = max(conflict_seq, :conflict_seq),
  last_event_at = nullif(max(ifnull(last_event_at, -1 << 63), ifnull(:last_event_at, -1 << 63)), -1 << 63),
  light_sleep_at = nullif(max(ifnull(light_sleep_at, 0), ifnull(:light_sleep_at, 0)), 0),
  deep_sleep_at = nullif(max(ifnull(deep_sleep_at, 0), ifnull(:deep_sleep_at, 0)), 0),
  deep_sleep_upto = max(deep_sleep_upto, :deep_sleep_upto),
  erased_at = nullif(max(ifnull(erased_at, 0), ifnull(:erased_at, 0)), 0),
  packs_read = max(packs_read, :packs_read),
  revision = revision + 1
WHERE anima_no = :anima_no;

-- name: unarchive_event
-- An event out of an archive; nothing happens when its number, id or key is taken.
INSERT INTO events (
  id, uuid, event_type, role, author, summary, content, occurred_at, session_id, meta, source_uri,
  dedupe_key, content_hash, importance, tokens, redactions, trust, state, created_at, updated_at
) VALUES (
  :base + :no, unhex(:id), :event_type, :role, :author, :summary, :content, :occurred_at, :session_id,
  :meta, :source_uri, :dedupe_key, unhex(:content_hash), :importance, :tokens, :redactions, :trust,
  :state, :created_at, :updated_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_memory
-- A memory out of an archive; nothing happens when its number or id is taken.
INSERT INTO memories (
  id, uuid, version, summary, content, importance, confidence, state, time_start, time_end,
  session_id, meta, provisional, synthesizer, pinned, trust, superseded_by, created_at, updated_at,
  recency_score, decay_score, access_count, last_accessed_at
) VALUES (
  :base + :no, unhex(:uuid), :version, :summary, :content, :importance, :confidence, :state,
  :time_start, :time_end, :session_id, :meta, :provisional, :synthesizer, :pinned, :trust,
  :superseded_by, :created_at, :updated_at, :recency_score, :decay_score, :access_count,
  :last_accessed_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_knowledge
-- A knowledge item out of an archive; nothing happens when its number or id is taken.
INSERT INTO knowledge (
  id, uuid, version, type, content, confidence, valid_from, valid_until, memory_id, provisional,
  synthesizer, pinned, trust, superseded_by, archived, created_at, updated_at
) VALUES (
  :base + :no, unhex(:uuid), :version, :type, :content, :confidence, :valid_from, :valid_until,
  :memory_id, :provisional, :synthesizer, :pinned, :trust, :superseded_by, :archived, :created_at,
  :updated_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_identity
-- A version of the identity out of an archive; nothing happens when its number or id is taken.
INSERT INTO identities (
  id, uuid, version, personality_type, communication_style, self_reflection, prose, statements,
  synthesizer, created_at, updated_at
) VALUES (
  :base + :no, unhex(:uuid), :version, :personality_type, :communication_style, :self_reflection,
  :prose, :statements, :synthesizer, :created_at, :updated_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_conflict
-- A conflict out of an archive; nothing happens when its number or id is taken.
INSERT INTO conflicts (
  id, uuid, version, of_layer, first_id, second_id, question, state, kept_id, created_at, updated_at
) VALUES (
  :base + :no, unhex(:uuid), :version, :of_layer, :first_id, :second_id, :question, :state, :kept_id,
  :created_at, :updated_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_dream
-- A run out of an archive; nothing happens when its number or id is taken.
INSERT INTO dreams (
  id, uuid, phase, actor, synthesizer, started_at, finished_at, counts, tokens, undoes, undone_by, note
) VALUES (
  :base + :no, unhex(:id), :phase, :actor, :synthesizer, :started_at, :finished_at, :counts, :tokens,
  :base + :undoes, :base + :undone_by, :note
) ON CONFLICT DO NOTHING;

-- name: unarchive_action
-- A change out of an archive; nothing happens when its place is taken, or its run is not there.
INSERT INTO dream_actions (
  dream_id, position, kind, layer, row_id, before, after, sources, reasoning, operation, inputs, model,
  tokens, forgotten, at
)
SELECT id, :position, :change, :layer, :base + :no, :before, :after, :sources, :reasoning,
  :operation, :inputs, :model, :tokens, :forgotten, :at
FROM dreams WHERE id = :base + :dream ON CONFLICT DO NOTHING;

-- name: unarchive_consumption
-- That a run consumed an event, out of an archive; nothing happens without that run.
INSERT INTO dream_events (dream_id, event_id, before, after, at)
SELECT id, :base + :event, :before, :after, :at
FROM dreams WHERE id = :base + :dream ON CONFLICT DO NOTHING;

-- name: unarchive_declined
-- That a person took an operation back, out of an archive.
INSERT INTO declined (layer, row_id, operation, inputs)
VALUES (:layer, :base + :no, :operation, :inputs) ON CONFLICT DO NOTHING;

-- name: unarchive_uses
-- Uses that light sleep counted, out of an archive.
INSERT INTO folded_uses (memory_id, at, uses, last_at)
VALUES (:base + :no, :at, :uses, :last_at) ON CONFLICT DO NOTHING;

-- name: unarchive_access
-- Uses that wait for light sleep, out of an archive.
INSERT INTO accesses (memory_id, uses, last_at)
VALUES (:base + :no, :uses, :last_at) ON CONFLICT DO NOTHING;

-- name: unarchive_shown
-- How often a row stood in packs, out of an archive.
INSERT INTO shown (layer, id, times, last_at, packs_before)
VALUES (:layer, :base + :no, :times, :last_at, :packs_before) ON CONFLICT DO NOTHING;

-- name: unarchive_forgotten
-- A tombstone out of an archive.
INSERT INTO forgotten (layer, id, at, key_digest)
VALUES (:layer, :base + :no, :at, unhex(:key_digest)) ON CONFLICT DO NOTHING;

-- name: unarchive_unmade
-- That a model makes nothing of an event, out of an archive.
INSERT INTO unmade (event_id, model, at) VALUES (:base + :event, :model, :at) ON CONFLICT DO NOTHING;

-- name: unarchive_call
-- A call of a language model out of an archive.
INSERT INTO calls (
  anima_no, dream_id, purpose, model, at, tokens, tokens_in, tokens_out, cost_usd, duration_us,
  outcome, error
) VALUES (
  :base >> 32, :base + :dream, :purpose, :model, :at, :tokens, :tokens_in, :tokens_out, :cost_usd,
  :duration_us, :outcome, :error
);

-- name: unarchive_plan
-- A plan that nobody answered, out of an archive; nothing happens when there is one of its id.
INSERT INTO plans (
  uuid, anima_no, phase, synthesizer, tokens, calls, operations, created_at, expires_at
) VALUES (
  unhex(:id), :base >> 32, :phase, :synthesizer, :tokens, :calls, :operations, :created_at, :expires_at
) ON CONFLICT DO NOTHING;

-- name: unarchive_order
-- An open work order out of an archive; nothing happens when its user has one, or one has its id.
INSERT INTO work_orders (uuid, anima_no, user_no, events, created_at, expires_at)
VALUES (unhex(:id), :base >> 32, :user_no, :events, :created_at, :expires_at) ON CONFLICT DO NOTHING;

-- name: unarchive_grant
-- A grant out of an archive; nothing happens when one of its id is there, or one that stands.
INSERT INTO grants (
  uuid, source_no, reader_no, source_user, reader_user, knowledge, memories, granted_by, granted_at,
  revoked_by, revoked_at
)
SELECT unhex(:id), source.anima_no, reader.anima_no, :user_no, :user_no, :knowledge, :memories,
  :user_no, :granted_at, iif(:ended_by_person, :user_no, NULL), :revoked_at
FROM animas AS source, animas AS reader
WHERE source.uuid = unhex(:source) AND reader.uuid = unhex(:reader) AND source.anima_no <> reader.anima_no
  AND source.user_no = :user_no AND reader.user_no = :user_no
ON CONFLICT DO NOTHING;
