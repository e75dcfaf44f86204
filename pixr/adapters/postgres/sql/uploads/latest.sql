-- What became of the newest upload of a content.
SELECT upload_id, state, reason, created_at
FROM uploads
WHERE content_id = %(content_id)s
ORDER BY created_at DESC, upload_id
LIMIT 1
