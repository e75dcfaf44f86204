-- Payouts of earnings that are not the sum of the accruals that they claimed.
SELECT payouts.id::text AS subject,
       COALESCE(sum(pending_earnings.lamports), 0)::bigint AS expected,
       payouts.lamports AS found
FROM payouts
LEFT JOIN pending_earnings ON pending_earnings.payout_id = payouts.id
WHERE payouts.kind IN ('earnings', 'return')
GROUP BY payouts.id
HAVING COALESCE(sum(pending_earnings.lamports), 0) <> payouts.lamports
ORDER BY 1
