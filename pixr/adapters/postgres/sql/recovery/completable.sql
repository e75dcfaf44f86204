-- Upgrades that exactly this sum would pay for in full; two are enough to know that nobody can tell
-- which was meant. Locked.
SELECT content_id, rung
FROM fundings
WHERE state = 'OPEN'
  AND price_lamports - funded_lamports = %(lamports)s
ORDER BY content_id, rung
LIMIT 2
FOR UPDATE
