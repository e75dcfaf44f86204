-- The wallet accounts that payouts of this minimum would credit, opened beforehand.
INSERT INTO ledger_accounts (account)
SELECT DISTINCT 'wallet:' || ledger_accounts.user_id
FROM ledger_accounts
WHERE split_part(ledger_accounts.account, ':', 1) IN ('owed', 'return')
  AND ledger_accounts.posted_lamports >= %(minimum_lamports)s
  AND ledger_accounts.posted_lamports - ledger_accounts.reserved_lamports >= %(minimum_lamports)s
ORDER BY 1
ON CONFLICT (account) DO NOTHING
