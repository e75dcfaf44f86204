-- Forget keys that nobody will send again, the oldest first and some at a time. One that is at work
-- is not there yet for anybody else to see.
DELETE FROM idempotency
WHERE (user_id, key) IN (
    SELECT user_id, key
    FROM idempotency
    WHERE claimed_at < %(before)s
    ORDER BY claimed_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
