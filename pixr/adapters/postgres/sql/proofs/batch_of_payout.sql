-- The leaves of the finalized batch that paid a payout, in order, with the batch's root and
-- transaction. No row: there is no such payout, it is not paid yet, or its batch was read back
-- from the chain: then ids and salts, and with them the leaves, were lost with the database.
SELECT item.payout_id, item.salt, payouts.destination, payouts.lamports,
       batches.merkle_root, transactions.signature, transactions.slot
FROM payouts AS asked
JOIN batches ON batches.id = asked.batch_id
JOIN transactions ON transactions.batch_id = batches.id AND transactions.state = 'LANDED'
JOIN batch_items AS item ON item.batch_id = batches.id
JOIN payouts ON payouts.id = item.payout_id
WHERE asked.id = %(payout_id)s
  AND asked.state = 'PAID'
  AND batches.receipt_seed IS NULL
ORDER BY item.position
