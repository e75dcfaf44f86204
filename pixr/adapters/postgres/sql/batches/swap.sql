-- Move batches to another state, but for those that somebody moved since they were read.
-- Returns the ones that were moved.
UPDATE batches
SET state = %(state)s,
    version = batches.version + 1,
    hold_reason = %(hold_reason)s,
    receipt_state = CASE WHEN %(state)s = 'FINALIZED' AND batches.kind <> 'reclaim'
                         THEN 'LOCKED' ELSE batches.receipt_state END,
    closed_at = CASE WHEN %(state)s IN ('FINALIZED', 'FAILED') THEN %(now)s::timestamptz END
FROM unnest(%(batch_ids)s::uuid[], %(versions)s::integer[]) AS seen (id, version)
WHERE batches.id = seen.id
  AND batches.version = seen.version
RETURNING batches.id
