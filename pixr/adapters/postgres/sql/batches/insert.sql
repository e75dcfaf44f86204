-- A planned batch.
INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,
                     treasury_reserved_lamports, planned_at)
VALUES (%(batch_id)s, %(kind)s, %(receipt_address)s, %(merkle_root)s, %(payees)s, %(lamports)s,
        %(treasury_reserved_lamports)s, %(now)s)
