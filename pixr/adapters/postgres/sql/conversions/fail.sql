-- Give up a job that MediaConvert gave up. Returns no row for another conversion than this job's, and
-- when it is over: a late failure cannot undo a success.
UPDATE upgrade_jobs
SET state = 'FAILED',
    reason = %(reason)s,
    converter_job = %(converter_job)s,
    closed_at = %(now)s
WHERE id = %(job_id)s
  AND state = 'CONVERTING'
  AND COALESCE(converter_job, %(converter_job)s) = %(converter_job)s
RETURNING id
