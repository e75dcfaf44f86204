-- Planned batches.
INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,
                     treasury_reserved_lamports, planned_at)
SELECT id, kind, receipt_address, merkle_root, payees, lamports, treasury_reserved_lamports,
       %(now)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(receipt_addresses)s::text[],
            %(merkle_roots)s::bytea[], %(payees)s::integer[], %(lamports)s::bigint[],
            %(treasury_reserved_lamports)s::bigint[])
     AS plan (id, kind, receipt_address, merkle_root, payees, lamports,
              treasury_reserved_lamports)
