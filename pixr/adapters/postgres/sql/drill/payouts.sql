-- Payouts by kind and by how they ended; a reserved one tells the state of its batch.
SELECT payouts.kind,
       CASE WHEN payouts.state = 'RESERVED' THEN batches.state ELSE payouts.state END AS state,
       count(*)::integer AS payouts,
       sum(payouts.lamports)::bigint AS lamports
FROM payouts
LEFT JOIN batches ON batches.id = payouts.batch_id
GROUP BY 1, 2
ORDER BY 1, 2
