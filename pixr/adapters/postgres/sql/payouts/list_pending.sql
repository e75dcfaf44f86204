-- Payouts that wait for a batch, oldest first, locked so that no other settler batches them;
-- those that may wait for a quiet minute only on a payday.
-- What leaves a user's own wallet goes one after the other: each is judged by what the wallet
-- holds, and that is known only when the one before it is final.
SELECT id, kind, user_id, debit_account, credit_account, destination, lamports, investment_id,
       payees_max
FROM payouts
WHERE state = 'PENDING'
  AND (%(is_payday)s OR kind NOT IN ('earnings', 'return'))
  AND (kind NOT IN ('withdrawal', 'investment')
       OR NOT EXISTS (
           SELECT 1
           FROM payouts AS ahead
           WHERE ahead.debit_account = payouts.debit_account
             AND ahead.kind IN ('withdrawal', 'investment')
             AND (ahead.state = 'RESERVED'
                  OR (ahead.state = 'PENDING'
                      AND (ahead.created_at, ahead.id) < (payouts.created_at, payouts.id)))
       ))
ORDER BY created_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
