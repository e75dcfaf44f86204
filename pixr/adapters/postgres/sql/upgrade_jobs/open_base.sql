-- Open the job of an upload: of a content that is live already it is a better source. Touches nothing when the upload has one: a repeated S3 event
-- finds the job of the first.
INSERT INTO upgrade_jobs (id, content_id, kind, upload_id, source_key, created_at,
                          moved_at)
SELECT %(job_id)s, content_id,
       CASE WHEN state = 'live' AND source_key <> %(source_key)s THEN 'source' ELSE 'base' END,
       %(upload_id)s, %(source_key)s, %(now)s, %(now)s
FROM contents
WHERE content_id = %(content_id)s
ON CONFLICT (upload_id) WHERE kind IN ('base', 'source') DO NOTHING
