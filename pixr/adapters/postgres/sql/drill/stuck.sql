-- Payouts that ended neither paid nor put aside nor held, with where they stand.
SELECT payouts.id, payouts.kind, payouts.state, batches.state AS batch_state, payouts.created_at
FROM payouts
LEFT JOIN batches ON batches.id = payouts.batch_id
WHERE payouts.state IN ('PENDING', 'RESERVED')
  AND batches.state IS DISTINCT FROM 'HOLD'
ORDER BY payouts.created_at
