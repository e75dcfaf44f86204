-- These batches as read, each with the address that its transfers leave.
SELECT batches.id, batches.kind, batches.state, batches.version, batches.receipt_address,
       batches.receipt_seed, batches.merkle_root, batches.lamports,
       batches.treasury_reserved_lamports,
       CASE WHEN batches.kind IN ('withdrawal', 'investment') THEN (
                SELECT user_wallets.address
                FROM batch_items
                JOIN payouts ON payouts.id = batch_items.payout_id
                JOIN user_wallets USING (user_id)
                WHERE batch_items.batch_id = batches.id
                LIMIT 1)
            ELSE (
                SELECT address
                FROM house_addresses
                WHERE account = CASE WHEN batches.kind IN ('refund', 'release')
                                     THEN 'escrow' ELSE 'treasury' END)
       END AS source_address
FROM batches
WHERE batches.id = ANY(%(batch_ids)s::uuid[])
