-- A payout that was put aside was paid all the same: it waits again, for the batch that paid it.
UPDATE payouts
SET state = 'PENDING',
    reason = NULL
WHERE id = %(payout_id)s
  AND state = 'QUARANTINED'
