-- One upload of a user's, with the job that its file caused, if it arrived. No row: there is none,
-- or it is somebody else's.
SELECT uploads.upload_id,
       uploads.content_id,
       uploads.object_key,
       uploads.state,
       uploads.reason,
       uploads.multipart_id,
       uploads.bytes,
       uploads.part_bytes,
       uploads.created_at,
       upgrade_jobs.id AS job_id,
       upgrade_jobs.state AS job_state,
       upgrade_jobs.reason AS job_reason,
       upgrade_jobs.frames_done,
       upgrade_jobs.frames_total
FROM uploads
LEFT JOIN upgrade_jobs
    ON upgrade_jobs.upload_id = uploads.upload_id
   AND upgrade_jobs.kind IN ('base', 'source')
WHERE uploads.upload_id = %(upload_id)s
  AND uploads.user_id = %(user_id)s
