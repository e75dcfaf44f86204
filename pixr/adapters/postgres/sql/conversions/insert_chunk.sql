-- The one chunk of a diverted job.
INSERT INTO upgrade_chunks (job_id, position, frame_start, frame_count)
VALUES (%(job_id)s, 0, 0, %(frames)s)
