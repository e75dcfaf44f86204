-- Payouts that wait for a batch, oldest first, locked so that no other settler batches them;
-- of those that may wait for a quiet minute only as many of the oldest as are to be paid now.
-- What leaves a user's own wallet goes one after the other: each is judged by what the wallet
-- holds, and that is known only when the one before it is final.
SELECT id, kind, user_id, debit_account, credit_account, destination, lamports, investment_id,
       payees_max
FROM payouts
WHERE queue = 'pending'
  AND (kind NOT IN ('earnings', 'return')
       OR id IN (
           SELECT patient.id
           FROM payouts AS patient
           WHERE patient.queue = 'pending'
             AND patient.kind IN ('earnings', 'return')
           ORDER BY patient.created_at, patient.id
           LIMIT %(patient_max)s
       ))
  AND (kind NOT IN ('withdrawal', 'investment')
       OR NOT EXISTS (
           SELECT 1
           FROM payouts AS ahead
           WHERE ahead.debit_account = payouts.debit_account
             AND ahead.kind IN ('withdrawal', 'investment')
             AND (ahead.queue = 'leaving'
                  OR (ahead.queue = 'pending'
                      AND (ahead.created_at, ahead.id) < (payouts.created_at, payouts.id)))
       ))
ORDER BY created_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
