-- Payouts that wait for a batch, oldest first, locked so that no other settler batches them.
SELECT id, kind, user_id, debit_account, credit_account, destination, lamports, investment_id
FROM payouts
WHERE state = 'PENDING'
ORDER BY created_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
