-- Give the payouts to their batches. Fewer rows than asked for: one was taken meanwhile.
UPDATE payouts
SET state = 'RESERVED',
    batch_id = item.batch_id
FROM unnest(%(batch_ids)s::uuid[], %(payout_ids)s::uuid[]) AS item (batch_id, payout_id)
WHERE payouts.id = item.payout_id
  AND payouts.state = 'PENDING'
RETURNING payouts.id
