-- One upload, whose it is and what became of it.
SELECT upload_id, content_id, user_id, object_key, state, reason, created_at
FROM uploads
WHERE upload_id = %(upload_id)s
