-- name: add_job
-- A job, unless the anima has one of that kind, be it set aside.
INSERT INTO jobs (anima_no, kind, state, created_at, run_at)
SELECT :anima_no, :kind, 'pending', :now, :run_at
WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE anima_no = :anima_no AND kind = :kind);

-- name: due_job
-- The job to take next: the oldest that is due, or whose lease ran out.
SELECT * FROM jobs
WHERE state IN ('pending', 'running') AND run_at <= :now
  AND (state = 'pending' OR lease_until < :now)
ORDER BY run_at, job_no LIMIT 1;

-- name: lease_job
-- Take a job: count the attempt and move the fence.
UPDATE jobs SET
  state = 'running', attempts = attempts + 1, fence = fence + 1,
  lease_owner = :owner, lease_until = :lease_until
WHERE job_no = :job_no RETURNING *;

-- name: job
-- One job.
SELECT * FROM jobs WHERE job_no = :job_no;

-- name: extend_lease
-- Keep a job that is still being worked on.
UPDATE jobs SET lease_until = :lease_until
WHERE job_no = :job_no AND fence = :fence AND state = 'running';

-- name: finish_job
-- A job is done; only for the holder of its lease.
DELETE FROM jobs WHERE job_no = :job_no AND fence = :fence AND state = 'running';

-- name: release_job
-- Give a job back, with the attempts that it shall have.
UPDATE jobs SET
  state = :state, attempts = :attempts, run_at = :run_at, last_error = :last_error,
  lease_owner = NULL, lease_until = NULL
WHERE job_no = :job_no AND fence = :fence AND state = 'running';

-- name: list_jobs
-- All jobs, the oldest first: for doctor.
SELECT jobs.*, animas.name AS anima FROM jobs JOIN animas USING (anima_no) ORDER BY job_no;

-- name: known_jobs
-- Which jobs exist.
SELECT DISTINCT anima_no, kind FROM jobs;

-- name: oldest_due
-- Since when the longest-waiting job that nobody holds has been due.
SELECT min(run_at) AS since FROM jobs
WHERE state IN ('pending', 'running') AND run_at <= :now
  AND (state = 'pending' OR lease_until < :now);

-- name: forgive_job
-- A quarantined job may be tried again.
UPDATE jobs SET state = 'pending', attempts = 0, run_at = :now
WHERE anima_no = :anima_no AND kind = :kind AND state = 'quarantined';

-- name: animas_with_pending
-- Animas that have pending events.
SELECT animas.*, users.uuid AS user_uuid FROM animas JOIN users USING (user_no)
WHERE pending_events > 0 ORDER BY anima_no;

-- name: animas_to_sleep
-- Animas with memories whose interval since the last light sleep is over.
SELECT anima_no FROM animas
WHERE memory_seq > 0 AND (
  light_sleep_at IS NULL OR light_sleep_at <= :now
    - 3600000000 * ifnull(json_extract(settings, '$.dream_interval_h'), :default_interval_h)
) ORDER BY anima_no;

-- name: animas_to_sleep_deeply
-- Animas that changed since their last deep sleep, or never had one, and whose interval is over.
SELECT anima_no FROM animas
WHERE memory_seq > 0 AND action_seq > deep_sleep_upto
  AND ifnull(deep_sleep_at, created_at) <= :now
    - 3600000000 * ifnull(json_extract(settings, '$.dream_interval_h'), :default_interval_h)
ORDER BY anima_no;

-- name: note_worker
-- How the background task of a process is from now on.
INSERT INTO workers (owner, state, last_error, since) VALUES (:owner, :state, :last_error, :now)
ON CONFLICT DO UPDATE SET
  state = excluded.state, last_error = excluded.last_error, since = excluded.since;

-- name: forget_worker
-- A process has ended in good order.
DELETE FROM workers WHERE owner = :owner;

-- name: list_workers
-- The background tasks that were noted and not forgotten.
SELECT owner, state, last_error, since FROM workers ORDER BY since, owner;
