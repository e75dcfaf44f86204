-- The batches of these receipts.
SELECT id, state, receipt_address, receipt_state
FROM batches
WHERE receipt_address = ANY(%(receipts)s::text[])
