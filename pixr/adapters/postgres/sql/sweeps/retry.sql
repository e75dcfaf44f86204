-- Put an open job's message again because a person asks for it, and count its restarts anew. No
-- row: there is no such job, or it is closed.
WITH pushed AS (
    UPDATE upgrade_jobs
    SET restarts = 0,
        moved_at = %(now)s
    WHERE id = %(job_id)s
      AND closed_at IS NULL
    RETURNING id
)
INSERT INTO outbox (topic, payload, created_at)
SELECT 'upgrade.plan', jsonb_build_object('job_id', id), %(now)s
FROM pushed
RETURNING id
