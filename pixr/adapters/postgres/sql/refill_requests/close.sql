-- The balance is back. A clock that went back must not keep it open.
UPDATE refill_requests SET closed_at = greatest(opened_at, %(now)s) WHERE closed_at IS NULL
