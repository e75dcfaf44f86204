-- The open one; no row when there is none.
SELECT opened_at, float_lamports, balance_lamports FROM refill_requests WHERE closed_at IS NULL
