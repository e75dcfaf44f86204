-- Give a job up, for a reason in plain words. Returns no row when it was closed before, so a
-- late failure cannot undo a success, or when it is not in the state that its failure is about. The upload of a source that was not taken is refused with it, and
-- the planner is told to move its object away.
WITH closed AS (
    UPDATE upgrade_jobs
    SET state = %(state)s,
        reason = %(reason)s,
        analysis_after = COALESCE(%(analysis_after)s::jsonb, analysis_after),
        sameness = COALESCE(%(sameness)s::jsonb, sameness),
        closed_at = %(now)s
    WHERE id = %(job_id)s
      AND closed_at IS NULL
      AND (%(only_in)s::text IS NULL OR state = %(only_in)s)
    RETURNING id, kind, upload_id, reason
), refused AS (
    UPDATE uploads
    SET state = 'rejected',
        reason = closed.reason
    FROM closed
    WHERE uploads.upload_id = closed.upload_id
      AND closed.kind = 'source'
      AND uploads.state = 'expected'
    RETURNING closed.id
), told AS (
    INSERT INTO outbox (topic, payload, created_at)
    SELECT 'upgrade.plan', jsonb_build_object('job_id', id), %(now)s
    FROM refused
)
SELECT id
FROM closed
