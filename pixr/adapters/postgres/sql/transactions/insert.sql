-- The signed bytes, before the first of them leaves.
INSERT INTO transactions (signature, batch_id, attempt, raw, blockhash, blockhash_slot,
                          last_valid_block_height, fee_lamports_max, signed_at)
VALUES (%(signature)s, %(batch_id)s, %(attempt)s, %(raw)s, %(blockhash)s, %(blockhash_slot)s,
        %(last_valid_block_height)s, %(fee_lamports_max)s, %(now)s)
