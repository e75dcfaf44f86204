-- Move a batch to another state, unless somebody moved it since it was read. No row: they did.
UPDATE batches
SET state = %(state)s,
    version = version + 1,
    hold_reason = %(hold_reason)s,
    receipt_state = CASE WHEN %(state)s = 'FINALIZED' THEN 'LOCKED' ELSE receipt_state END,
    closed_at = CASE WHEN %(state)s IN ('FINALIZED', 'FAILED') THEN %(now)s::timestamptz END
WHERE id = %(batch_id)s
  AND version = %(version)s
RETURNING version
