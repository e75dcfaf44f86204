-- Open the job of an upload. Touches nothing when the upload has one: a repeated S3 event
-- finds the job of the first.
INSERT INTO upgrade_jobs (id, content_id, kind, upload_id, source_key, created_at,
                          moved_at)
VALUES (%(job_id)s, %(content_id)s, 'base', %(upload_id)s, %(source_key)s, %(now)s,
        %(now)s)
ON CONFLICT (upload_id) WHERE kind IN ('base', 'source') DO NOTHING
