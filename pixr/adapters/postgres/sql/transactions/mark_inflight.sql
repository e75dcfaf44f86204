-- SIGNED → INFLIGHT: from here on the bytes may be anywhere. Batches that somebody moved since
-- they were read are left out. Returns the batches that were moved.
WITH swapped AS (
    UPDATE batches
    SET state = 'INFLIGHT',
        version = batches.version + 1
    FROM unnest(%(batch_ids)s::uuid[], %(versions)s::integer[]) AS seen (id, version)
    WHERE batches.id = seen.id
      AND batches.version = seen.version
      AND batches.state = 'SIGNED'
    RETURNING batches.id
)
UPDATE transactions
SET state = 'INFLIGHT',
    sent_at = %(now)s
FROM swapped
WHERE transactions.batch_id = swapped.id
  AND transactions.state = 'SIGNED'
RETURNING transactions.batch_id
