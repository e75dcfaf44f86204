-- A transaction of ours that this database did not know, as the chain has it, with what became of
-- it: EXPIRED until it is taken for what it is, or FAILED with its fee. What was not on chain is
-- estimated: from which slot on, and up to which height, it could land. No row: it is known.
INSERT INTO transactions (signature, batch_id, attempt, state, raw, blockhash, blockhash_slot,
                          last_valid_block_height, fee_lamports_max, fee_lamports, slot, error,
                          signed_at, closed_at)
SELECT %(signature)s, %(batch_id)s,
       1 + COALESCE((SELECT max(attempt) FROM transactions WHERE batch_id = %(batch_id)s), 0),
       %(state)s, %(raw)s, %(blockhash)s, %(blockhash_slot)s, %(last_valid_block_height)s,
       %(fee_lamports)s,
       CASE WHEN %(state)s = 'FAILED' THEN %(fee_lamports)s::bigint END,
       CASE WHEN %(state)s = 'FAILED' THEN %(slot)s::bigint END,
       %(error)s, %(signed_at)s, %(now)s
ON CONFLICT (signature) DO NOTHING
RETURNING attempt
