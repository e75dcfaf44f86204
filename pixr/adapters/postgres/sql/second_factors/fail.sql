-- Write down a wrong code, forget those of other days, and count: within the short window and
-- within the day, this one included.
WITH swept AS (
    DELETE FROM second_factor_failures
    WHERE user_id = %(user_id)s
      AND at <= %(day_ago)s
), failed AS (
    INSERT INTO second_factor_failures (user_id, at)
    VALUES (%(user_id)s, %(now)s)
)
SELECT 1 + count(*) FILTER (WHERE at > %(window_start)s) AS failures,
       1 + count(*) AS failures_per_day
FROM second_factor_failures
WHERE user_id = %(user_id)s
  AND at > %(day_ago)s
