-- Money on chain and accruals are two closed worlds: each must sum to zero. Offenders only.
SELECT CASE WHEN split_part(account, ':', 1) IN ('views', 'platform', 'owed', 'return', 'settled')
            THEN 'accruals' ELSE 'money on chain' END AS subject,
       0::bigint AS expected,
       sum(posted_lamports)::bigint AS found
FROM ledger_accounts
GROUP BY 1
HAVING sum(posted_lamports) <> 0
