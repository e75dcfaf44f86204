-- What a payment shows to have been earned beyond the accruals that are known.
INSERT INTO recovered_accruals (payout_id, user_id, kind, lamports, recovered_at)
VALUES (%(payout_id)s, %(user_id)s, %(kind)s, %(lamports)s, %(now)s)
