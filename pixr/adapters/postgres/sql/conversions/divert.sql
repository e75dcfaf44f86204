-- Give a planned job to MediaConvert: all its frames are one chunk from now on, and nothing is done.
-- Returns no row when the job is not planned yet, is being joined already, or is closed.
UPDATE upgrade_jobs
SET state = 'CONVERTING',
    way = 'mediaconvert',
    way_reason = %(reason)s,
    settings = jsonb_set(settings, '{starts}', jsonb_build_array(settings -> 'starts' -> 0)),
    chunks_total = 1,
    chunks_done = 0,
    frames_done = 0,
    moved_at = %(now)s,
    restarts = 0
WHERE id = %(job_id)s
  AND state IN ('QUEUED', 'TUNING', 'ENCODING')
  AND settings IS NOT NULL
RETURNING frames_total
