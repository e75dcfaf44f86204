-- Count MediaConvert's file as the job's one chunk and let it be joined, in one statement, so that it
-- counts once however often the event comes. Returns no row for a repeat, for another conversion than
-- this job's, and when the job was closed meanwhile.
WITH done AS (
    UPDATE upgrade_chunks
    SET state = 'DONE',
        object_key = %(object_key)s,
        bytes = %(bytes)s,
        cpu_ms = 0,
        done_at = %(now)s
    FROM upgrade_jobs
    WHERE upgrade_chunks.job_id = %(job_id)s
      AND upgrade_chunks.position = 0
      AND upgrade_chunks.state = 'QUEUED'
      AND upgrade_jobs.id = upgrade_chunks.job_id
      AND upgrade_jobs.state = 'CONVERTING'
      AND COALESCE(upgrade_jobs.converter_job, %(converter_job)s) = %(converter_job)s
    RETURNING upgrade_chunks.job_id, upgrade_chunks.frame_count
)
UPDATE upgrade_jobs
SET state = 'ASSEMBLING',
    converter_job = %(converter_job)s,
    chunks_done = 1,
    frames_done = done.frame_count,
    moved_at = %(now)s,
    restarts = 0
FROM done
WHERE upgrade_jobs.id = done.job_id
  AND upgrade_jobs.state = 'CONVERTING'
RETURNING upgrade_jobs.id
