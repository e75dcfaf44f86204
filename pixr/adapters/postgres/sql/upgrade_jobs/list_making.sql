-- The rungs that live jobs of a content make. An upload that was not probed yet has none.
SELECT rung
FROM upgrade_jobs
WHERE content_id = %(content_id)s
  AND rung IS NOT NULL
  AND closed_at IS NULL
