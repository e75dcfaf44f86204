-- Expect one file at one key.
INSERT INTO uploads (upload_id, content_id, user_id, object_key, created_at)
VALUES (%(upload_id)s, %(content_id)s, %(user_id)s, %(object_key)s, %(now)s)
