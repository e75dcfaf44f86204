-- One chunk.
SELECT job_id, position, frame_start, frame_count, state, object_key, bytes, cpu_ms,
       bytes_read, samples, sha256, done_at
FROM upgrade_chunks
WHERE job_id = %(job_id)s
  AND position = %(position)s
