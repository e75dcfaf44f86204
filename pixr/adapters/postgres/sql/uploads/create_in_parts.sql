-- Expect one file at one key, in parts that S3 joins.
INSERT INTO uploads (upload_id, content_id, user_id, object_key, multipart_id, bytes, part_bytes,
                     created_at)
VALUES (%(upload_id)s, %(content_id)s, %(user_id)s, %(object_key)s, %(multipart_id)s, %(bytes)s,
        %(part_bytes)s, %(now)s)
