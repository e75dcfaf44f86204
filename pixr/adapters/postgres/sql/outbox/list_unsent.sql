-- Promised messages, oldest first.
SELECT id, topic, payload
FROM outbox
WHERE sent_at IS NULL
ORDER BY id
LIMIT %(limit)s
