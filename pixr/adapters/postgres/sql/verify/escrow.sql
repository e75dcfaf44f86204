-- Fundings whose escrowed sum is not that of their investments that are in escrow or beyond.
SELECT fundings.content_id || ' ' || fundings.rung AS subject,
       COALESCE(sum(content_investments.lamports) FILTER (
           WHERE content_investments.state IN ('ESCROWED', 'LIVE', 'REFUNDING', 'REFUNDED')), 0)::bigint
           AS expected,
       fundings.escrowed_lamports AS found
FROM fundings
LEFT JOIN content_investments USING (content_id, rung)
GROUP BY fundings.content_id, fundings.rung
HAVING COALESCE(sum(content_investments.lamports) FILTER (
           WHERE content_investments.state IN ('ESCROWED', 'LIVE', 'REFUNDING', 'REFUNDED')), 0)
       <> fundings.escrowed_lamports
ORDER BY 1
