-- Forget the chunks of a job that was diverted; what was encoded of them expires in its folder.
DELETE FROM upgrade_chunks
WHERE job_id = %(job_id)s
