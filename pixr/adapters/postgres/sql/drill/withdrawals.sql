-- Every withdrawal with its end; a reserved one tells the state of its batch.
SELECT payouts.id, payouts.user_id, payouts.destination, payouts.lamports,
       CASE WHEN payouts.state = 'RESERVED' THEN batches.state ELSE payouts.state END AS state
FROM payouts
LEFT JOIN batches ON batches.id = payouts.batch_id
WHERE payouts.kind = 'withdrawal'
ORDER BY payouts.created_at, payouts.id
