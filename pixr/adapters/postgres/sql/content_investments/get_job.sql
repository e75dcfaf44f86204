-- An upgrade job, for those whom it concerns: the creator of the content and whoever invested in
-- this rung of it. No row for anybody else.
SELECT upgrade_jobs.id,
       upgrade_jobs.content_id,
       upgrade_jobs.kind,
       upgrade_jobs.rung,
       upgrade_jobs.state,
       upgrade_jobs.reason,
       upgrade_jobs.chunks_total,
       upgrade_jobs.chunks_done,
       upgrade_jobs.frames_total,
       upgrade_jobs.frames_done,
       upgrade_jobs.cpu_ms,
       upgrade_jobs.way,
       upgrade_jobs.way_reason,
       upgrade_jobs.tuning,
       upgrade_jobs.sameness,
       upgrade_jobs.estimate,
       upgrade_jobs.actual,
       upgrade_jobs.analysis_before,
       upgrade_jobs.analysis_after,
       upgrade_jobs.created_at,
       upgrade_jobs.closed_at
FROM upgrade_jobs
JOIN contents USING (content_id)
WHERE upgrade_jobs.id = %(job_id)s
  AND (contents.creator_id = %(user_id)s
       OR EXISTS (
           SELECT
           FROM fundings
           JOIN content_investments USING (content_id, rung)
           WHERE fundings.job_id = upgrade_jobs.id
             AND content_investments.user_id = %(user_id)s))
