-- Deposits that are not in the ledger once, and postings of deposits that nobody recorded.
WITH found AS (
    SELECT 'deposit:' || account || ':' || signature AS reference, lamports
    FROM deposits
), posted AS (
    SELECT ledger_transactions.reference, -ledger_entries.lamports AS lamports
    FROM ledger_transactions
    JOIN ledger_entries ON ledger_entries.transaction_id = ledger_transactions.id
                       AND ledger_entries.account = 'world'
    WHERE ledger_transactions.reference LIKE 'deposit:%%'
)
SELECT COALESCE(found.reference, posted.reference) AS subject,
       found.lamports AS expected,
       posted.lamports AS found
FROM found
FULL JOIN posted USING (reference)
WHERE found.lamports IS DISTINCT FROM posted.lamports
ORDER BY 1
