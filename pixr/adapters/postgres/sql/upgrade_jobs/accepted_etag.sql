-- Which version of this source was accepted, as the job that accepted it saw it.
SELECT source_etag
FROM upgrade_jobs
WHERE content_id = %(content_id)s
  AND source_key = %(source_key)s
  AND kind = 'base'
  AND source_etag IS NOT NULL
