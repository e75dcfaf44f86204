-- Batches that are not decided yet, oldest first.
SELECT id, kind, state, version, receipt_address, receipt_seed, merkle_root, lamports,
       treasury_reserved_lamports, table_address, is_v1
FROM batches
WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT')
ORDER BY planned_at, id
LIMIT %(limit)s
