-- What the batches carry, each in the order of its transfers.
INSERT INTO batch_items (batch_id, position, payout_id, salt)
SELECT batch_id, position, payout_id, salt
FROM unnest(%(batch_ids)s::uuid[], %(positions)s::integer[], %(payout_ids)s::uuid[],
            %(salts)s::bytea[]) AS item (batch_id, position, payout_id, salt)
