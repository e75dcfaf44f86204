-- The payments that were finalized since a time: how long each took, what it cost, whom it paid.
SELECT extract(epoch FROM transactions.closed_at - transactions.signed_at)::float8 AS seconds,
       transactions.fee_lamports,
       batches.payees
FROM transactions
JOIN batches ON batches.id = transactions.batch_id
WHERE transactions.state = 'LANDED'
  AND transactions.closed_at >= %(since)s
ORDER BY transactions.closed_at
