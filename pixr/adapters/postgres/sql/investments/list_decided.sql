-- Paid-for upgrades whose job has ended, one way or the other, with what it was thought to cost and
-- what it did.
SELECT fundings.content_id,
       fundings.rung,
       upgrade_jobs.state = 'PUBLISHED' AS is_published,
       upgrade_jobs.estimate,
       upgrade_jobs.actual
FROM fundings
JOIN upgrade_jobs ON upgrade_jobs.id = fundings.job_id
WHERE fundings.state = 'FUNDED'
  AND upgrade_jobs.state IN ('PUBLISHED', 'REJECTED', 'FAILED')
ORDER BY upgrade_jobs.closed_at
LIMIT %(limit)s
