-- All payouts of a finalized batch.
UPDATE payouts
SET state = 'PAID',
    paid_at = %(now)s
WHERE batch_id = %(batch_id)s
  AND state = 'RESERVED'
