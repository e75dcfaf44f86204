-- Users whose accruals, less what was paid, are not what the ledger says they are owed.
WITH accrued AS (
    SELECT CASE kind WHEN 'earnings' THEN 'owed:' ELSE 'return:' END || user_id AS account,
           sum(lamports) AS lamports
    FROM (
        SELECT kind, user_id, lamports FROM pending_earnings
        UNION ALL
        SELECT kind, user_id, lamports FROM recovered_accruals
    ) AS accrual
    GROUP BY 1
), paid AS (
    SELECT debit_account AS account, sum(lamports) AS lamports
    FROM payouts
    WHERE kind IN ('earnings', 'return')
      AND state = 'PAID'
    GROUP BY 1
), known AS (
    SELECT account, posted_lamports
    FROM ledger_accounts
    WHERE split_part(account, ':', 1) IN ('owed', 'return')
)
SELECT account AS subject,
       (COALESCE(accrued.lamports, 0) - COALESCE(paid.lamports, 0))::bigint AS expected,
       COALESCE(known.posted_lamports, 0) AS found
FROM accrued
FULL JOIN paid USING (account)
FULL JOIN known USING (account)
WHERE COALESCE(accrued.lamports, 0) - COALESCE(paid.lamports, 0)
      <> COALESCE(known.posted_lamports, 0)
ORDER BY 1
