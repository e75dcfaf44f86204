-- Payouts of earnings that are not the sum of the accruals that they claimed, those that only their
-- payment tells included.
WITH claimed AS (
    SELECT payout_id, sum(lamports) AS lamports
    FROM (
        SELECT payout_id, lamports FROM pending_earnings WHERE payout_id IS NOT NULL
        UNION ALL
        SELECT payout_id, lamports FROM recovered_accruals
    ) AS accrual
    GROUP BY payout_id
)
SELECT payouts.id::text AS subject,
       COALESCE(claimed.lamports, 0)::bigint AS expected,
       payouts.lamports AS found
FROM payouts
LEFT JOIN claimed ON claimed.payout_id = payouts.id
WHERE payouts.kind IN ('earnings', 'return')
  AND COALESCE(claimed.lamports, 0)
      <> CASE WHEN payouts.overtaken_at IS NULL THEN payouts.lamports ELSE 0 END
ORDER BY 1
