-- The job that an upload caused.
SELECT id, content_id, kind, upload_id, rung, source_key, source_etag, settings, state, reason,
       chunks_total, chunks_done, cpu_ms, analysis_before, analysis_after, created_at, closed_at
FROM upgrade_jobs
WHERE upload_id = %(upload_id)s
  AND kind = 'base'
