-- Receipts that should exist on chain.
SELECT id, receipt_address
FROM batches
WHERE receipt_state = 'LOCKED'
ORDER BY id
