-- Note how far MediaConvert is; never back. Returns no row for another conversion than this job's,
-- and when it is over.
UPDATE upgrade_jobs
SET frames_done = GREATEST(frames_done, LEAST(COALESCE(%(frames)s::bigint, 0), frames_total)),
    converter_job = %(converter_job)s,
    moved_at = %(now)s,
    restarts = 0
WHERE id = %(job_id)s
  AND state = 'CONVERTING'
  AND COALESCE(converter_job, %(converter_job)s) = %(converter_job)s
RETURNING id
