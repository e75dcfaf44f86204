-- Signed transactions by how they ended.
SELECT state, count(*)::integer AS attempts
FROM transactions
GROUP BY state
ORDER BY state
