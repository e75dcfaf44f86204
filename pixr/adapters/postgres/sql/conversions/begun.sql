-- Remember MediaConvert's name of its job, once. Whatever became of ours meanwhile: an event may have
-- come before the answer to CreateJob. Returns no row when a name is there already.
UPDATE upgrade_jobs
SET converter_job = %(converter_job)s,
    moved_at = CASE WHEN state = 'CONVERTING' THEN %(now)s ELSE moved_at END
WHERE id = %(job_id)s
  AND way = 'mediaconvert'
  AND converter_job IS NULL
RETURNING id
