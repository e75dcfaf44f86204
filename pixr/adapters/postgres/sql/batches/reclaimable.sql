-- Receipts whose guard is no longer needed, oldest first: final for long enough, in no other
-- reclaim, with the last height at which any attempt of theirs could have landed. Those that were not
-- on chain when they were looked for are listed apart, the one first that was looked for longest ago.
SELECT batches.id, batches.receipt_address, batches.receipt_seed, batches.closed_at,
       attempts.last_valid_block_height
FROM batches
CROSS JOIN LATERAL (
    SELECT max(last_valid_block_height) AS last_valid_block_height
    FROM transactions
    WHERE transactions.batch_id = batches.id
) AS attempts
WHERE batches.receipt_state = 'LOCKED'
  AND batches.closed_at < %(before)s
  AND (batches.receipt_missed_at IS NOT NULL) = %(is_missed)s
  AND NOT EXISTS (
      SELECT 1
      FROM batch_receipts
      WHERE batch_receipts.paid_batch_id = batches.id
        AND batch_receipts.is_live
  )
ORDER BY batches.receipt_missed_at, batches.closed_at, batches.id
LIMIT %(limit)s
