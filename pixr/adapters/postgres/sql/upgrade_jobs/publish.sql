-- Close a job whose rendition is verified. Returns no row when another worker closed it before.
UPDATE upgrade_jobs
SET state = 'PUBLISHED',
    analysis_after = %(analysis_after)s::jsonb,
    cpu_ms = cpu_ms + %(cpu_ms)s,
    sameness = %(sameness)s::jsonb,
    actual = %(actual)s::jsonb,
    analysis_moved = %(analysis_moved)s::jsonb,
    moved_at = %(now)s,
    closed_at = %(now)s
WHERE id = %(job_id)s
  AND state = 'ASSEMBLING'
RETURNING id
