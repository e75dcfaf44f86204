-- How many payouts may wait for a quiet minute, and since when the oldest does.
SELECT count(*)::integer AS payouts,
       min(created_at) AS oldest_at
FROM payouts
WHERE queue = 'pending'
  AND kind IN ('earnings', 'return')
