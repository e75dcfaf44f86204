-- One at a time: while one is open the next minute opens none. A float that was changed since is
-- taken over with what there is now, so that people are told to bring enough.
INSERT INTO refill_requests (opened_at, float_lamports, balance_lamports)
VALUES (%(now)s, %(float_lamports)s, %(balance_lamports)s)
ON CONFLICT ((true)) WHERE closed_at IS NULL DO UPDATE
SET float_lamports = excluded.float_lamports, balance_lamports = excluded.balance_lamports
WHERE refill_requests.float_lamports <> excluded.float_lamports
