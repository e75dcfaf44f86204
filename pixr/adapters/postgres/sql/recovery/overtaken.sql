-- The newest payout that waits to leave a wallet whose money has left in the meantime. Locked.
-- No row: none waits.
SELECT id, kind, lamports, investment_id
FROM payouts
WHERE debit_account = %(account)s
  AND kind IN ('withdrawal', 'investment')
  AND queue = 'pending'
ORDER BY created_at DESC, id DESC
LIMIT 1
FOR UPDATE
