-- Attempts that ended and whose fee is not in the ledger once, and postings of attempts that did
-- not end so.
WITH closed AS (
    SELECT 'attempt:' || signature AS reference, fee_lamports
    FROM transactions
    WHERE state IN ('LANDED', 'FAILED')
), posted AS (
    SELECT ledger_transactions.reference, COALESCE(ledger_entries.lamports, 0) AS fee_lamports
    FROM ledger_transactions
    LEFT JOIN ledger_entries ON ledger_entries.transaction_id = ledger_transactions.id
                            AND ledger_entries.account = 'network'
    WHERE ledger_transactions.reference LIKE 'attempt:%%'
)
SELECT COALESCE(closed.reference, posted.reference) AS subject,
       closed.fee_lamports AS expected,
       posted.fee_lamports AS found
FROM closed
FULL JOIN posted USING (reference)
WHERE closed.fee_lamports IS DISTINCT FROM posted.fee_lamports
ORDER BY 1
