-- Everything about one job.
SELECT id, content_id, kind, upload_id, rung, source_key, source_etag, settings, state, reason,
       chunks_total, chunks_done, cpu_ms, analysis_before, analysis_after, created_at, closed_at
FROM upgrade_jobs
WHERE id = %(job_id)s
