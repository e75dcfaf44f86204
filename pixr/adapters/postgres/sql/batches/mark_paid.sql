-- All payouts of finalized batches.
UPDATE payouts
SET state = 'PAID',
    paid_at = %(now)s
WHERE batch_id = ANY(%(batch_ids)s::uuid[])
  AND state = 'RESERVED'
