-- Close jobs that were pushed as often as one may be and did not move: investors are refunded by
-- what follows every failure. Returns what was closed, and why.
WITH due AS (
    SELECT id, state
    FROM upgrade_jobs
    WHERE closed_at IS NULL
      AND restarts >= %(restarts_max)s
      AND moved_at < CASE state
          WHEN 'CONVERTING' THEN %(converting_before)s::timestamptz
          ELSE %(before)s::timestamptz END
      AND NOT EXISTS (
          SELECT
          FROM outbox
          WHERE sent_at IS NULL
            AND payload ->> 'job_id' = upgrade_jobs.id::text)
    ORDER BY moved_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE upgrade_jobs
SET state = 'FAILED',
    reason = 'it stalled in ' || due.state || ', and to push it ' || restarts
        || ' times did not help',
    closed_at = %(now)s
FROM due
WHERE upgrade_jobs.id = due.id
RETURNING upgrade_jobs.id AS job_id, upgrade_jobs.reason
