-- Push jobs that did not come further for too long, longest first: promise the message that makes
-- the planner ask again for whatever is open. A job whose message has not left yet waits for that
-- one, and one that somebody else has in hand is moving. Each push waits twice as long as the one
-- before: what is out of order is out of order for hours. Returns what was pushed.
WITH due AS (
    SELECT id
    FROM upgrade_jobs
    WHERE closed_at IS NULL
      AND restarts < %(restarts_max)s
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
    FOR UPDATE SKIP LOCKED
), pushed AS (
    UPDATE upgrade_jobs
    SET restarts = restarts + 1,
        moved_at = %(now)s
    FROM due
    WHERE upgrade_jobs.id = due.id
    RETURNING upgrade_jobs.id
)
INSERT INTO outbox (topic, payload, created_at)
SELECT 'upgrade.plan', jsonb_build_object('job_id', id), %(now)s
FROM pushed
ORDER BY id
RETURNING (payload ->> 'job_id')::uuid AS job_id
