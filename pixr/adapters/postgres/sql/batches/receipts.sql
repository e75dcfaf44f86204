-- The receipts that these reclaims empty, each reclaim's in the order of its instructions.
SELECT batch_receipts.batch_id, batch_receipts.paid_batch_id, paid.receipt_address,
       paid.receipt_seed, batch_receipts.lamports
FROM batch_receipts
JOIN batches AS paid ON paid.id = batch_receipts.paid_batch_id
WHERE batch_receipts.batch_id = ANY(%(batch_ids)s::uuid[])
ORDER BY batch_receipts.batch_id, batch_receipts.position
