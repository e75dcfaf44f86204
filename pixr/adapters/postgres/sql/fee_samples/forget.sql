-- A day of samples is kept. In bites, so that the first tick after a long pause is no longer
-- than others; each tick adds a window of 150.
DELETE FROM fee_samples
WHERE slot IN (
    SELECT slot
    FROM fee_samples
    WHERE sampled_at < %(before)s
    ORDER BY sampled_at
    LIMIT 10000
)
