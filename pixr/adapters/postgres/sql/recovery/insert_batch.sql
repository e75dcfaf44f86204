-- A batch of a forgotten time, as its transaction tells it; the seed marks it as read back.
INSERT INTO batches (id, kind, state, receipt_address, receipt_seed, merkle_root, payees, lamports,
                     treasury_reserved_lamports, planned_at, closed_at)
VALUES (%(batch_id)s, %(kind)s, %(state)s, %(receipt_address)s, %(receipt_seed)s, %(merkle_root)s,
        %(payees)s, %(lamports)s, 0, %(planned_at)s,
        CASE WHEN %(state)s = 'FAILED' THEN %(now)s::timestamptz END)
