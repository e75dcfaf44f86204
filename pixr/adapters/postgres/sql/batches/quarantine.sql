-- Put aside the payout whose destination makes a batch fail.
UPDATE payouts
SET state = 'QUARANTINED',
    batch_id = NULL,
    reason = %(reason)s
WHERE id = %(payout_id)s
  AND state = 'RESERVED'
