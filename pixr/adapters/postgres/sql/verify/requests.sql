-- Requests whose key was claimed without an answer being kept, and paid-for upgrades whose job was
-- never promised to anybody.
SELECT 'request ' || key || ' of ' || user_id AS subject,
       'an answer' AS expected,
       'none' AS found
FROM idempotency
WHERE status IS NULL
UNION ALL
SELECT 'upgrade job ' || upgrade_jobs.id, 'a message', 'none'
FROM upgrade_jobs
WHERE upgrade_jobs.kind = 'funded'
  AND NOT EXISTS (
      SELECT FROM outbox
      WHERE outbox.topic = 'upgrade.plan'
        AND outbox.payload ->> 'job_id' = upgrade_jobs.id::text)
ORDER BY 1
