-- Expect the file no longer: what comes to its key afterwards is moved away. Changes nothing when
-- the file has arrived, which its job tells, or when the upload has ended.
UPDATE uploads
SET state = 'rejected',
    reason = %(reason)s
WHERE upload_id = %(upload_id)s
  AND state = 'expected'
  AND NOT EXISTS (
      SELECT
      FROM upgrade_jobs
      WHERE upgrade_jobs.upload_id = uploads.upload_id)
