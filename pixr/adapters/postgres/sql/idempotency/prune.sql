-- Forget keys that nobody will send again, the oldest first and some at a time. One that is at work
-- is not there yet for anybody else to see. By two clocks: one that runs ahead must not forget what a
-- client may still repeat.
DELETE FROM idempotency
WHERE (user_id, key) IN (
    SELECT user_id, key
    FROM idempotency
    WHERE claimed_at < LEAST(%(now)s::timestamptz, now()) - %(kept)s::interval
    ORDER BY claimed_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
