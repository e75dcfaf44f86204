-- The wallet accounts that payouts of this minimum would credit, opened beforehand.
INSERT INTO ledger_accounts (account)
SELECT DISTINCT 'wallet:' || user_id
FROM owed_accounts
WHERE available_lamports >= %(minimum_lamports)s
   OR (is_final AND available_lamports >= %(final_minimum_lamports)s)
ORDER BY 1
ON CONFLICT (account) DO NOTHING
