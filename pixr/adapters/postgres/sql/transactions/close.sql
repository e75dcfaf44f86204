-- What became of a live attempt. No row: it was decided before.
UPDATE transactions
SET state = %(state)s,
    slot = %(slot)s,
    fee_lamports = %(fee_lamports)s,
    error = %(error)s,
    closed_at = %(now)s
WHERE signature = %(signature)s
  AND state IN ('SIGNED', 'INFLIGHT')
RETURNING signature
