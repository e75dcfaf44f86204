-- One batch as it is now.
SELECT id, kind, state, version, receipt_address, receipt_seed, merkle_root, lamports,
       treasury_reserved_lamports, table_address, is_v1
FROM batches
WHERE id = %(batch_id)s
