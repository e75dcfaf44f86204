-- The job that the file of an upload caused.
SELECT id
FROM upgrade_jobs
WHERE upload_id = %(upload_id)s
  AND kind IN ('base', 'source')
