-- Receipts that were made, a page of them, by batch: whether each should stand, and whether a reclaim
-- that is on its way may have emptied it already.
SELECT batches.id AS key, batches.receipt_address, batches.receipt_state,
       EXISTS (
           SELECT FROM batch_receipts
           JOIN batches AS reclaims ON reclaims.id = batch_receipts.batch_id
           WHERE batch_receipts.paid_batch_id = batches.id
             AND batch_receipts.is_live
             AND reclaims.state IN ('SIGNED', 'INFLIGHT', 'HOLD')) AS is_leaving
FROM batches
WHERE batches.id > %(after)s
  AND batches.receipt_state <> 'NONE'
ORDER BY batches.id
LIMIT %(limit)s
