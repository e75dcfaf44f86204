-- A new investment, still to be moved to escrow.
INSERT INTO content_investments (id, content_id, rung, user_id, lamports, return_cap_lamports,
                                 created_at)
VALUES (%(investment_id)s, %(content_id)s, %(rung)s, %(user_id)s, %(lamports)s,
        %(return_cap_lamports)s, %(now)s)
