-- Upgrades that are not decided, with investments of these sums in escrow: the one that explains most
-- of them first. Where the money went to a user, only with an investment of theirs, and also one that
-- was not paid for in time; where it went to the treasury, only one that is paid for.
SELECT fundings.content_id, fundings.rung, fundings.state, count(*) AS explained
FROM fundings
JOIN content_investments USING (content_id, rung)
WHERE (fundings.state = 'FUNDED'
       OR (fundings.state = 'OPEN'
           AND fundings.funded_lamports = fundings.escrowed_lamports
           AND %(user_id)s::text IS NOT NULL))
  AND content_investments.state = 'ESCROWED'
  AND content_investments.lamports = ANY(%(lamports)s::bigint[])
  AND (%(user_id)s::text IS NULL OR content_investments.user_id = %(user_id)s)
GROUP BY fundings.content_id, fundings.rung, fundings.state, fundings.opened_at
ORDER BY explained DESC, fundings.state = 'OPEN', fundings.opened_at, fundings.content_id,
         fundings.rung
LIMIT 1
