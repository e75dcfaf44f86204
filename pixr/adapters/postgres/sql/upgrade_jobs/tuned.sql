-- Freeze the quality that was found, and whether anything is made at all, and open the job for
-- encoding. Of two searches the second gets no row: all chunks of a job are made alike.
UPDATE upgrade_jobs
SET settings = settings || jsonb_build_object(
        'crf', %(crf)s::integer, 'is_look_only', %(is_look_only)s::boolean),
    tuning = %(tuning)s::jsonb,
    cpu_ms = cpu_ms + %(cpu_ms)s,
    bytes_read = bytes_read + %(bytes_read)s,
    state = 'ENCODING',
    moved_at = %(now)s
WHERE id = %(job_id)s
  AND state = 'TUNING'
RETURNING id
