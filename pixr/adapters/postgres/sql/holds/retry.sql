-- QUARANTINED → PENDING: pay it once more, alone, so that nobody else's payment fails with it.
-- Only what is still owed and reserved; a withdrawal or an investment went back to its owner.
-- No row: there is none such.
UPDATE payouts
SET state = 'PENDING',
    reason = NULL,
    payees_max = 1
WHERE id = %(payout_id)s
  AND state = 'QUARANTINED'
  AND overtaken_at IS NULL
  AND kind IN ('earnings', 'return', 'refund', 'release')
RETURNING id
