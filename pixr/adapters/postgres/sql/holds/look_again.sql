-- HOLD → INFLIGHT: let the settler judge a batch once more; it pays nothing by itself. No row:
-- somebody moved it, or none of its attempts may still land, so that nothing can be judged.
WITH live AS (
    SELECT batch_id
    FROM transactions
    WHERE batch_id = %(batch_id)s
      AND state IN ('SIGNED', 'INFLIGHT')
), swapped AS (
    UPDATE batches
    SET state = 'INFLIGHT',
        version = batches.version + 1,
        hold_reason = NULL
    FROM live
    WHERE batches.id = live.batch_id
      AND batches.version = %(version)s
      AND batches.state = 'HOLD'
    RETURNING batches.id
)
UPDATE transactions
SET state = 'INFLIGHT',
    sent_at = COALESCE(transactions.sent_at, %(now)s)
FROM swapped
WHERE transactions.batch_id = swapped.id
  AND transactions.state IN ('SIGNED', 'INFLIGHT')
RETURNING swapped.id
