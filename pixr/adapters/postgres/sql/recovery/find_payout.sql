-- A payout that waits, or was put aside and is still owed, and that says exactly what a transfer
-- on chain did; of several the oldest, those that wait first. Locked. No row: there is none.
SELECT id, kind, user_id, debit_account, credit_account, destination, lamports, investment_id,
       payees_max
FROM payouts
WHERE (state = 'PENDING'
       OR (state = 'QUARANTINED' AND kind NOT IN ('withdrawal', 'investment')
           AND overtaken_at IS NULL))
  AND CASE WHEN kind IN ('earnings', 'return') THEN 'treasury' ELSE debit_account END = %(source)s
  AND destination = %(destination)s
  AND lamports = %(lamports)s
  AND id <> ALL(%(excluding)s::uuid[])
ORDER BY state, created_at, id
LIMIT 1
FOR UPDATE
