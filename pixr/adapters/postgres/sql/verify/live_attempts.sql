-- Attempts that may be on chain already though the ledger does not know yet.
SELECT signature
FROM transactions
WHERE state IN ('SIGNED', 'INFLIGHT')
