-- Payouts that were put aside and are still owed, oldest first. A withdrawal or an investment is
-- its owner's money again and waits for nobody.
SELECT id, kind, user_id, destination, lamports, reason, created_at
FROM payouts
WHERE queue = 'aside'
  AND overtaken_at IS NULL
  AND kind NOT IN ('withdrawal', 'investment')
ORDER BY created_at, id
LIMIT %(limit)s
