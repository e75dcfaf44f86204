-- Accounts whose balance is not the sum of their entries; also entries whose account is not there.
SELECT account AS subject,
       COALESCE(sum(ledger_entries.lamports), 0)::bigint AS expected,
       COALESCE(ledger_accounts.posted_lamports, 0) AS found
FROM ledger_accounts
FULL JOIN ledger_entries USING (account)
GROUP BY account, ledger_accounts.posted_lamports
HAVING COALESCE(sum(ledger_entries.lamports), 0) <> COALESCE(ledger_accounts.posted_lamports, 0)
ORDER BY 1
