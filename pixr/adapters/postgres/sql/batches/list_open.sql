-- Batches that are not decided yet, oldest first: those under way, and apart from them, so that
-- neither hides the other, those to be signed, the stuck ones last.
(SELECT id, kind, state, version, receipt_address, receipt_seed, merkle_root, lamports,
        treasury_reserved_lamports, table_address, is_v1
 FROM batches
 WHERE state IN ('SIGNED', 'INFLIGHT')
 ORDER BY planned_at, id
 LIMIT %(limit)s)
UNION ALL
(SELECT id, kind, state, version, receipt_address, receipt_seed, merkle_root, lamports,
        treasury_reserved_lamports, table_address, is_v1
 FROM batches
 WHERE state = 'PLANNED'
 ORDER BY id::text = ANY(%(stuck)s::text[]), planned_at, id
 LIMIT %(limit)s)
