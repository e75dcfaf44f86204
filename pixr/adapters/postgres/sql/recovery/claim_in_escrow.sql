-- A refund that waits for a person because nobody knows what the investment was for, of exactly
-- this sum. Locked. No row: there is none.
SELECT id, user_id, lamports
FROM payouts
WHERE kind = 'refund'
  AND state = 'QUARANTINED'
  AND investment_id IS NULL
  AND lamports = %(lamports)s
ORDER BY created_at, id
LIMIT 1
FOR UPDATE
