-- Freeze the plan and open the job for tuning or encoding. Only a queued job can be planned: of two
-- planners one gets no row and must drop what it planned.
UPDATE upgrade_jobs
SET rung = %(rung)s,
    source_etag = %(source_etag)s,
    settings = %(settings)s::jsonb,
    chunks_total = %(chunks_total)s,
    frames_total = %(frames_total)s,
    estimate = %(estimate)s::jsonb,
    analysis_before = %(analysis_before)s::jsonb,
    state = %(state)s,
    moved_at = %(now)s
WHERE id = %(job_id)s
  AND state = 'QUEUED'
RETURNING id
