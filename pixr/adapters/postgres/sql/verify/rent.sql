-- Whether the ledger's rent is that of the receipts that stand, 890,880 lamports each, and of the
-- lookup tables that were written.
WITH standing AS (
    SELECT 'receipts' AS account, count(*) * 890880 AS lamports
    FROM batches
    WHERE receipt_state = 'LOCKED'
    UNION ALL
    SELECT 'tables', COALESCE(sum(lamports), 0)::bigint
    FROM batches
    WHERE kind = 'table'
      AND state = 'FINALIZED'
)
SELECT account AS subject, standing.lamports AS expected, posted_lamports AS found
FROM ledger_accounts
JOIN standing USING (account)
WHERE posted_lamports <> standing.lamports
