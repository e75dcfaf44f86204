-- The upgrade is paid for: make its job from the accepted source, and promise the message.
WITH job AS (
    INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, created_at)
    SELECT %(job_id)s, content_id, 'funded', %(rung)s, source_key, %(now)s
    FROM contents
    WHERE content_id = %(content_id)s
    RETURNING id, content_id, rung
), funded AS (
    UPDATE fundings
    SET state = 'FUNDED',
        job_id = job.id
    FROM job
    WHERE fundings.content_id = job.content_id
      AND fundings.rung = job.rung
)
INSERT INTO outbox (topic, payload, created_at)
SELECT 'upgrade.plan', jsonb_build_object('job_id', job.id), %(now)s
FROM job
