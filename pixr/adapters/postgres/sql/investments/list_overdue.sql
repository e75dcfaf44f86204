-- Upgrades that did not begin in time, because they are not fully funded or because a job makes their
-- rung all the while, and whose promised parts are all in escrow.
SELECT content_id, rung
FROM fundings
WHERE state = 'OPEN'
  AND opened_at < %(before)s
  AND escrowed_lamports > 0
  AND funded_lamports = escrowed_lamports
ORDER BY opened_at
LIMIT %(limit)s
