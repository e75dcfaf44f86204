-- The file is a video that we take. Only an expected upload can become accepted.
UPDATE uploads
SET state = 'accepted'
WHERE upload_id = %(upload_id)s
  AND state = 'expected'
