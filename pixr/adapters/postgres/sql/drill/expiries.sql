-- How many nodes gave a proof of absence when an attempt was declared dead, and how often so many
-- did; the others were silent, had no history or lagged.
WITH proofs AS (
    SELECT transactions.signature,
           count(*) FILTER (WHERE rpc_evidence.evidence ->> 'sighting' = 'Absent') AS nodes,
           count(*) AS asked
    FROM transactions
    JOIN rpc_evidence ON rpc_evidence.batch_id = transactions.batch_id
        AND rpc_evidence.observed_at = transactions.closed_at
    WHERE transactions.state = 'EXPIRED'
    GROUP BY transactions.signature
)
SELECT nodes::integer AS nodes, asked::integer AS asked, count(*)::integer AS attempts
FROM proofs
GROUP BY nodes, asked
ORDER BY nodes, asked
