-- Give payouts to their batches, each batch's in the order of its transfers. Fewer rows than asked
-- for: one was taken meanwhile.
WITH taken AS (
    UPDATE payouts
    SET state = 'RESERVED',
        batch_id = item.batch_id
    FROM unnest(%(batch_ids)s::uuid[], %(positions)s::integer[], %(payout_ids)s::uuid[],
                %(salts)s::text[]) AS item (batch_id, position, payout_id, salt)
    WHERE payouts.id = item.payout_id
      AND payouts.state = 'PENDING'
    RETURNING item.batch_id, item.position, item.payout_id, item.salt
)
INSERT INTO batch_items (batch_id, position, payout_id, salt)
SELECT batch_id, position, payout_id, decode(salt, 'hex')
FROM taken
