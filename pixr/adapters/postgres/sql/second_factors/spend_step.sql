-- A code works once: no row means that its step is spent. Steps of other days cannot come back.
WITH swept AS (
    DELETE FROM totp_used
    WHERE user_id = %(user_id)s
      AND used_at < %(now)s::timestamptz - interval '1 day'
)
INSERT INTO totp_used (user_id, step, used_at)
VALUES (%(user_id)s, %(step)s, %(now)s)
ON CONFLICT (user_id, step) DO NOTHING
RETURNING step
