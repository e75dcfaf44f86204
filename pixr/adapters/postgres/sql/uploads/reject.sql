-- The file is not taken, for a reason in plain words. The first reason stays.
UPDATE uploads
SET state = 'rejected',
    reason = %(reason)s
WHERE upload_id = %(upload_id)s
  AND state = 'expected'
