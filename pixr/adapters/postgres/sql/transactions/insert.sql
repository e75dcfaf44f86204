-- PLANNED → SIGNED: the signed bytes, before the first of them leaves. Batches that somebody
-- moved since they were read are left out, and so are all while settlement is paused: a person
-- who stops it does not wait for the end of a round. Returns the batches that were moved.
WITH fresh AS (
    SELECT *
    FROM unnest(%(batch_ids)s::uuid[], %(versions)s::integer[], %(signatures)s::text[],
                %(attempts)s::integer[], %(raws)s::text[], %(blockhashes)s::text[],
                %(blockhash_slots)s::bigint[], %(last_valid_block_heights)s::bigint[],
                %(fees_lamports_max)s::bigint[])
         AS signed (batch_id, version, signature, attempt, raw, blockhash, blockhash_slot,
                    last_valid_block_height, fee_lamports_max)
), swapped AS (
    UPDATE batches
    SET state = 'SIGNED',
        version = batches.version + 1
    FROM fresh
    WHERE batches.id = fresh.batch_id
      AND batches.version = fresh.version
      AND NOT EXISTS (SELECT 1 FROM settlement_pause)
    RETURNING batches.id
)
INSERT INTO transactions (signature, batch_id, attempt, raw, blockhash, blockhash_slot,
                          last_valid_block_height, fee_lamports_max, signed_at)
SELECT signature, batch_id, attempt, decode(raw, 'hex'), blockhash, blockhash_slot,
       last_valid_block_height, fee_lamports_max, %(now)s
FROM fresh
JOIN swapped ON swapped.id = fresh.batch_id
RETURNING batch_id
