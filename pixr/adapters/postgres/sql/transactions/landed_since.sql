-- What was finalized since a time: how long each took, what it cost, how many it paid (rent that
-- comes home or goes into a table pays nobody).
SELECT extract(epoch FROM transactions.closed_at - transactions.signed_at)::float8 AS seconds,
       transactions.fee_lamports,
       CASE WHEN batches.merkle_root IS NULL THEN 0 ELSE batches.payees END AS payees
FROM transactions
JOIN batches ON batches.id = transactions.batch_id
WHERE transactions.state = 'LANDED'
  AND transactions.closed_at >= %(since)s
ORDER BY transactions.closed_at
