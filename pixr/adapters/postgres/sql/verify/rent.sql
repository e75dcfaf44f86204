-- Whether the ledger's rent is that of the receipts that stand: 890,880 lamports each.
WITH standing AS (
    SELECT count(*) * 890880 AS lamports
    FROM batches
    WHERE receipt_state = 'LOCKED'
)
SELECT account AS subject, standing.lamports AS expected, posted_lamports AS found
FROM ledger_accounts, standing
WHERE account = 'receipts'
  AND posted_lamports <> standing.lamports
