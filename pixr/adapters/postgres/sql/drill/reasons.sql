-- Why something waits for a person: each reason of a held batch or a quarantined payout, with
-- its number. A missing reason is told as NULL.
SELECT 'HOLD' AS state, batches.kind, batches.hold_reason AS reason, count(*)::integer AS number
FROM batches
WHERE state = 'HOLD'
GROUP BY batches.kind, batches.hold_reason
UNION ALL
SELECT 'QUARANTINED', payouts.kind, payouts.reason, count(*)::integer
FROM payouts
WHERE state = 'QUARANTINED'
GROUP BY payouts.kind, payouts.reason
ORDER BY 1, 2, 3
