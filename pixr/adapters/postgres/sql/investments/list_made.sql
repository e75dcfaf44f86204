-- Upgrades that have not begun and whose rung another job has published meanwhile: there is nothing
-- left to buy. Only those whose promised parts are all in escrow, so that none comes afterwards.
SELECT fundings.content_id, fundings.rung
FROM fundings
JOIN renditions USING (content_id, rung)
WHERE fundings.state = 'OPEN'
  AND fundings.escrowed_lamports > 0
  AND fundings.funded_lamports = fundings.escrowed_lamports
ORDER BY fundings.opened_at, fundings.content_id, fundings.rung
LIMIT %(limit)s
