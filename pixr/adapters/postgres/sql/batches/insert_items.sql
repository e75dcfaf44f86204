-- What the batch carries, in the order of its transfers.
INSERT INTO batch_items (batch_id, position, payout_id, salt)
SELECT %(batch_id)s, number - 1, payout_id, salt
FROM unnest(%(payout_ids)s::uuid[], %(salts)s::bytea[])
     WITH ORDINALITY AS item (payout_id, salt, number)
