-- These receipts should stand on chain, and did not when they were looked for.
UPDATE batches
SET receipt_missed_at = %(now)s
WHERE id = ANY(%(batch_ids)s::uuid[])
