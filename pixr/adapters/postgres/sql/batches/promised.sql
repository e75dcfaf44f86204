-- What the treasury has promised to batches whose bytes may be anywhere.
SELECT COALESCE(sum(treasury_reserved_lamports), 0)::bigint AS lamports
FROM batches
WHERE state IN ('SIGNED', 'INFLIGHT', 'HOLD')
