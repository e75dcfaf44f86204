-- Upgrades that are paid for and have not begun, because a job made their rung when the money came,
-- and that can begin now: no job makes the rung any more, and none has made it.
SELECT fundings.content_id, fundings.rung
FROM fundings
JOIN contents USING (content_id)
WHERE fundings.state = 'OPEN'
  AND fundings.escrowed_lamports = fundings.price_lamports
  AND contents.source_key IS NOT NULL
  AND NOT EXISTS (
      SELECT
      FROM upgrade_jobs
      WHERE upgrade_jobs.content_id = fundings.content_id
        AND upgrade_jobs.rung = fundings.rung
        AND upgrade_jobs.closed_at IS NULL)
  AND NOT EXISTS (
      SELECT
      FROM renditions
      WHERE renditions.content_id = fundings.content_id
        AND renditions.rung = fundings.rung)
ORDER BY fundings.opened_at, fundings.content_id, fundings.rung
LIMIT %(limit)s
