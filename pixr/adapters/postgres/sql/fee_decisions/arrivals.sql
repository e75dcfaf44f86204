-- When the payouts that may wait were made, for a replay of a real day. An operator's question:
-- it reads the whole table.
SELECT created_at
FROM payouts
WHERE kind IN ('earnings', 'return')
  AND created_at >= %(since)s
  AND created_at < %(until)s
ORDER BY created_at
