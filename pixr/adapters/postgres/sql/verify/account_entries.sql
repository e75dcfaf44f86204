-- Accounts whose balance is not the sum of their entries.
SELECT ledger_accounts.account AS subject,
       COALESCE(sum(ledger_entries.lamports), 0)::bigint AS expected,
       ledger_accounts.posted_lamports AS found
FROM ledger_accounts
LEFT JOIN ledger_entries USING (account)
GROUP BY ledger_accounts.account, ledger_accounts.posted_lamports
HAVING COALESCE(sum(ledger_entries.lamports), 0) <> ledger_accounts.posted_lamports
ORDER BY 1
