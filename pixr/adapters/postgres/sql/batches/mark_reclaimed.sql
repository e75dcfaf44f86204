-- The receipts of finalized reclaims are empty.
UPDATE batches
SET receipt_state = 'RECLAIMED'
FROM batch_receipts
WHERE batch_receipts.batch_id = ANY(%(batch_ids)s::uuid[])
  AND batches.id = batch_receipts.paid_batch_id
