-- Payments that were planned here, a page of them, by batch: the root and everything that it is made
-- of. Of those that were read back from the chain the ids and salts are lost.
WITH page AS (
    SELECT id, merkle_root
    FROM batches
    WHERE id > %(after)s
      AND merkle_root IS NOT NULL
      AND receipt_seed IS NULL
    ORDER BY id
    LIMIT %(limit)s
)
SELECT page.id AS key, page.merkle_root,
       array_agg(payouts.id ORDER BY batch_items.position) AS payout_ids,
       array_agg(payouts.destination ORDER BY batch_items.position) AS destinations,
       array_agg(payouts.lamports ORDER BY batch_items.position) AS lamports,
       array_agg(batch_items.salt ORDER BY batch_items.position) AS salts
FROM page
JOIN batch_items ON batch_items.batch_id = page.id
JOIN payouts ON payouts.id = batch_items.payout_id
GROUP BY page.id, page.merkle_root
ORDER BY page.id
