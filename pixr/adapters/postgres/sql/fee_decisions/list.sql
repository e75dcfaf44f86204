-- The decisions of a time, oldest first, with everything that is needed to make them again.
SELECT
    decided_at, policy, inputs, is_payday, reason, payouts_now, bid_percent, bid_price
FROM fee_decisions
WHERE decided_at >= %(since)s
  AND decided_at < %(until)s
ORDER BY decided_at, id
