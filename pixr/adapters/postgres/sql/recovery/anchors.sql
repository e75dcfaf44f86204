-- The newest transactions of the treasury that the database knew to be final at a time before the
-- restore point: whatever it has forgotten came after them.
SELECT signature, slot
FROM (
    SELECT signature, slot, closed_at AS known_at
    FROM transactions
    WHERE state IN ('LANDED', 'FAILED')
    UNION ALL
    SELECT signature, slot, observed_at
    FROM deposits
    WHERE account = 'treasury'
) AS final
WHERE known_at <= %(since)s
ORDER BY slot DESC, signature
LIMIT %(limit)s
