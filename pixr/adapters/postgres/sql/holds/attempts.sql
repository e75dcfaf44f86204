-- Every attempt at a batch, first to last, without its bytes.
SELECT signature, attempt, state, slot, error, last_valid_block_height, fee_lamports, signed_at,
       sent_at, closed_at
FROM transactions
WHERE batch_id = %(batch_id)s
ORDER BY attempt
