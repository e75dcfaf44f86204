-- Which receipts a reclaim is to empty. Fewer rows than asked for: a rival took one.
INSERT INTO batch_receipts (batch_id, position, paid_batch_id, lamports)
SELECT %(batch_id)s, position, paid_batch_id, lamports
FROM unnest(%(positions)s::integer[], %(paid_batch_ids)s::uuid[], %(lamports)s::bigint[])
     AS item (position, paid_batch_id, lamports)
ON CONFLICT (paid_batch_id) WHERE is_live DO NOTHING
RETURNING paid_batch_id
