-- Upgrades that are paid for and not decided, with investments of these sums in escrow (of this
-- user, where one is given): the one that explains most of them first.
SELECT fundings.content_id, fundings.rung, count(*) AS explained
FROM fundings
JOIN content_investments USING (content_id, rung)
WHERE fundings.state = 'FUNDED'
  AND content_investments.state = 'ESCROWED'
  AND content_investments.lamports = ANY(%(lamports)s::bigint[])
  AND (%(user_id)s::text IS NULL OR content_investments.user_id = %(user_id)s)
GROUP BY fundings.content_id, fundings.rung, fundings.opened_at
ORDER BY explained DESC, fundings.opened_at, fundings.content_id, fundings.rung
LIMIT 1
