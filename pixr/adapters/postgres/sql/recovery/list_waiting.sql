-- A user's earnings and returns that wait to be paid, oldest first. Locked. One that only a payment
-- has told of is none of them.
SELECT id, debit_account, lamports
FROM payouts
WHERE user_id = %(user_id)s
  AND kind IN ('earnings', 'return')
  AND state = 'PENDING'
  AND id <> ALL(%(excluding)s::uuid[])
  AND NOT EXISTS (SELECT FROM recovered_accruals WHERE recovered_accruals.payout_id = payouts.id)
ORDER BY created_at, id
FOR UPDATE
