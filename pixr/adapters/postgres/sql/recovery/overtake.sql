-- A payout that is never paid: what it was made of is free again.
UPDATE payouts
SET state = 'QUARANTINED',
    batch_id = NULL,
    reason = %(reason)s,
    overtaken_at = %(now)s
WHERE id = %(payout_id)s
  AND state = 'RESERVED'
