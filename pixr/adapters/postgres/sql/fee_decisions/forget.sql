-- A month of decisions is kept. In bites: a tick adds one row and may take away a thousand.
DELETE FROM fee_decisions
WHERE id IN (
    SELECT id
    FROM fee_decisions
    WHERE decided_at < %(before)s
    ORDER BY decided_at
    LIMIT 1000
)
