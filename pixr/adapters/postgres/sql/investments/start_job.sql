-- The upgrade is paid for: make its job from the accepted source, and promise the message. No row:
-- a live job makes that rung already, or somebody else began this one. The money stays where it is.
WITH paid AS (
    SELECT fundings.content_id, fundings.rung, contents.source_key
    FROM fundings
    JOIN contents USING (content_id)
    WHERE fundings.content_id = %(content_id)s
      AND fundings.rung = %(rung)s
      AND fundings.state = 'OPEN'
      AND fundings.escrowed_lamports = fundings.price_lamports
      AND contents.source_key IS NOT NULL
), job AS (
    INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, created_at, moved_at)
    SELECT %(job_id)s, content_id, 'funded', rung, source_key, %(now)s, %(now)s
    FROM paid
    ON CONFLICT (content_id, rung) WHERE closed_at IS NULL DO NOTHING
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
RETURNING id
