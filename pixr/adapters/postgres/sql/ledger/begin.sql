-- Open a ledger transaction for an event. No row: the event was posted before.
INSERT INTO ledger_transactions (reference, posted_at)
VALUES (%(reference)s, %(now)s)
ON CONFLICT (reference) DO NOTHING
RETURNING id
