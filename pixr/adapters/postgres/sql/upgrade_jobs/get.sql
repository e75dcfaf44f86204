-- Everything about one job.
SELECT id, content_id, kind, upload_id, rung, source_key, source_etag, settings, state, reason,
       chunks_total, chunks_done, frames_total, frames_done, cpu_ms, bytes_read, analysis_before,
       analysis_after, tuning, way, way_reason, converter_job, sameness, estimate, actual,
       analysis_moved, created_at, moved_at, restarts, closed_at
FROM upgrade_jobs
WHERE id = %(job_id)s
