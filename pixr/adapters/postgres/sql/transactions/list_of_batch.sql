-- Every attempt of a batch, first to last.
SELECT signature, batch_id, attempt AS number, state, raw, blockhash_slot,
       last_valid_block_height, fee_lamports_max
FROM transactions
WHERE batch_id = %(batch_id)s
ORDER BY attempt
