-- Every attempt that paid, with what its batch says it paid.
SELECT transactions.signature, transactions.batch_id, transactions.slot,
       transactions.fee_lamports, batches.merkle_root,
       array_agg(payouts.destination ORDER BY batch_items.position) AS destinations,
       array_agg(payouts.lamports ORDER BY batch_items.position) AS lamports
FROM transactions
JOIN batches ON batches.id = transactions.batch_id
JOIN batch_items ON batch_items.batch_id = batches.id
JOIN payouts ON payouts.id = batch_items.payout_id
WHERE transactions.state = 'LANDED'
GROUP BY transactions.signature, batches.id
ORDER BY transactions.slot, transactions.signature
