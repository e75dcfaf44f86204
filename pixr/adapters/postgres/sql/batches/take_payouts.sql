-- Give the payouts to the batch. Fewer rows than asked for: one was taken meanwhile.
UPDATE payouts
SET state = 'RESERVED',
    batch_id = %(batch_id)s
WHERE id = ANY(%(payout_ids)s::uuid[])
  AND state = 'PENDING'
RETURNING id
