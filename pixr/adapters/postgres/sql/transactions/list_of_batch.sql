-- Every attempt of these batches, first to last.
SELECT signature, batch_id, attempt AS number, state, raw, blockhash_slot,
       last_valid_block_height, fee_lamports_max
FROM transactions
WHERE batch_id = ANY(%(batch_ids)s::uuid[])
ORDER BY batch_id, attempt
