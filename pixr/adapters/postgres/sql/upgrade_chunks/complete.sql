-- Mark a chunk done and count it, in one statement, so that it counts once however often its
-- message comes, and exactly one completion is the last. Returns whether this one was; no row
-- when the chunk was done before or the job is no longer encoding.
WITH done AS (
    UPDATE upgrade_chunks
    SET state = 'DONE',
        object_key = %(object_key)s,
        bytes = %(bytes)s,
        cpu_ms = %(cpu_ms)s,
        bytes_read = %(bytes_read)s,
        samples = %(samples)s,
        sha256 = %(sha256)s,
        done_at = %(now)s
    FROM upgrade_jobs
    WHERE upgrade_chunks.job_id = %(job_id)s
      AND upgrade_chunks.position = %(position)s
      AND upgrade_chunks.state = 'QUEUED'
      AND upgrade_jobs.id = upgrade_chunks.job_id
      AND upgrade_jobs.state = 'ENCODING'
    RETURNING upgrade_chunks.job_id, upgrade_chunks.frame_count
)
UPDATE upgrade_jobs
SET chunks_done = chunks_done + 1,
    frames_done = frames_done + done.frame_count,
    bytes_read = upgrade_jobs.bytes_read + %(bytes_read)s,
    moved_at = %(now)s,
    restarts = 0,
    cpu_ms = upgrade_jobs.cpu_ms + %(cpu_ms)s,
    state = CASE WHEN chunks_done + 1 = chunks_total THEN 'ASSEMBLING' ELSE state END
FROM done
WHERE upgrade_jobs.id = done.job_id
  AND upgrade_jobs.state = 'ENCODING'
RETURNING chunks_done = chunks_total AS is_last
