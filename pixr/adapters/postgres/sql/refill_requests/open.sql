-- One at a time: while one is open the next minute opens none.
INSERT INTO refill_requests (opened_at, float_lamports, balance_lamports)
VALUES (%(now)s, %(float_lamports)s, %(balance_lamports)s)
ON CONFLICT DO NOTHING
