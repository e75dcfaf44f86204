-- Attempts in a state, a page of them, by signature, with what their batch says.
SELECT transactions.signature AS key, transactions.signature, transactions.batch_id,
       transactions.attempt, transactions.state, transactions.raw, transactions.slot,
       transactions.fee_lamports, transactions.fee_lamports_max, transactions.blockhash_slot,
       transactions.last_valid_block_height
FROM transactions
WHERE transactions.signature > %(after)s
  AND transactions.state = %(state)s
ORDER BY transactions.signature
LIMIT %(limit)s
