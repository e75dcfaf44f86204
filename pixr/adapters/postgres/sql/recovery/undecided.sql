-- Every batch that was not decided at the restore point, those on hold included.
SELECT id, kind, state, version, receipt_address, receipt_seed, merkle_root, lamports,
       treasury_reserved_lamports
FROM batches
WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT', 'HOLD')
ORDER BY planned_at, id
