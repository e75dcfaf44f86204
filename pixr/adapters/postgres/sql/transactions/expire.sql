-- Every live attempt of a batch is proved dead.
UPDATE transactions
SET state = 'EXPIRED',
    closed_at = %(now)s
WHERE batch_id = %(batch_id)s
  AND state IN ('SIGNED', 'INFLIGHT')
