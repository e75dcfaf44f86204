-- Jobs that were pushed as often as one may be and did not move, locked until they are closed in
-- the same transaction: what moves one meanwhile comes too late, and what moved one just before has
-- taken it off this list.
SELECT id, state, restarts
FROM upgrade_jobs
WHERE closed_at IS NULL
  AND restarts >= %(restarts_max)s
  AND moved_at < %(now)s::timestamptz - CASE state
      WHEN 'CONVERTING' THEN %(converting)s::interval
      ELSE %(still)s::interval * power(2, restarts) END
  AND NOT EXISTS (
      SELECT
      FROM outbox
      WHERE sent_at IS NULL
        AND payload ->> 'job_id' = upgrade_jobs.id::text)
ORDER BY moved_at, id
LIMIT %(limit)s
FOR UPDATE OF upgrade_jobs SKIP LOCKED
