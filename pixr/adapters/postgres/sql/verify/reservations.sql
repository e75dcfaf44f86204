-- Accounts where more or less is reserved than payouts and batches under way need.
WITH needed AS (
    SELECT debit_account AS account, sum(lamports) AS lamports
    FROM payouts
    WHERE state IN ('PENDING', 'RESERVED')
       OR (state = 'QUARANTINED' AND kind NOT IN ('withdrawal', 'investment')
           AND overtaken_at IS NULL)
    GROUP BY debit_account
    UNION ALL
    SELECT 'treasury', sum(treasury_reserved_lamports)
    FROM batches
    WHERE state NOT IN ('FINALIZED', 'FAILED')
    HAVING count(*) > 0
), summed AS (
    SELECT account, sum(lamports) AS lamports
    FROM needed
    GROUP BY account
)
SELECT ledger_accounts.account AS subject,
       COALESCE(summed.lamports, 0)::bigint AS expected,
       ledger_accounts.reserved_lamports AS found
FROM ledger_accounts
LEFT JOIN summed USING (account)
WHERE COALESCE(summed.lamports, 0) <> ledger_accounts.reserved_lamports
ORDER BY 1
