-- Planned batches.
INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,
                     treasury_reserved_lamports, table_address, is_v1, planned_at)
SELECT id, kind, receipt_address, merkle_root, payees, lamports, treasury_reserved_lamports,
       table_address, is_v1, %(now)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(receipt_addresses)s::text[],
            %(merkle_roots)s::bytea[], %(payees)s::integer[], %(lamports)s::bigint[],
            %(treasury_reserved_lamports)s::bigint[], %(table_addresses)s::text[],
            %(are_v1)s::boolean[])
     AS plan (id, kind, receipt_address, merkle_root, payees, lamports,
              treasury_reserved_lamports, table_address, is_v1)
