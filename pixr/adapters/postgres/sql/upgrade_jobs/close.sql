-- Give a job up, for a reason in plain words. Returns no row when it was closed before, so a
-- late failure cannot undo a success.
UPDATE upgrade_jobs
SET state = %(state)s,
    reason = %(reason)s,
    analysis_after = COALESCE(%(analysis_after)s::jsonb, analysis_after),
    closed_at = %(now)s
WHERE id = %(job_id)s
  AND closed_at IS NULL
RETURNING id
