-- Freeze the quality that was found and open the job for encoding. Of two searches the second gets
-- no row: all chunks of a job are made with one quality.
UPDATE upgrade_jobs
SET settings = jsonb_set(settings, '{crf}', to_jsonb(%(crf)s::integer)),
    tuning = %(tuning)s::jsonb,
    cpu_ms = cpu_ms + %(cpu_ms)s,
    bytes_read = bytes_read + %(bytes_read)s,
    state = 'ENCODING',
    moved_at = %(now)s
WHERE id = %(job_id)s
  AND state = 'TUNING'
RETURNING id
