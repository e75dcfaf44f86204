-- Slots in which a transaction of ours landed: the price that a node reports for them is ours.
-- Found by the time of its end, which has an index.
SELECT DISTINCT slot
FROM transactions
WHERE closed_at >= %(since)s
  AND slot BETWEEN %(oldest)s AND %(newest)s
