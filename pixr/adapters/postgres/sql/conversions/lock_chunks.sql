-- Hold every chunk of a job before the job itself, in the order in which a completion does, so that
-- neither waits for the other. A completion that waits here finds its chunk gone and counts nothing.
SELECT position
FROM upgrade_chunks
WHERE job_id = %(job_id)s
ORDER BY position
FOR UPDATE
