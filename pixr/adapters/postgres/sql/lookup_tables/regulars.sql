-- Payees of the last full transactions that stand in no table, and how many of those paid each.
-- Looked at are the newest so many only: who is regular among them is regular, and a look has a
-- bound however much is paid.
WITH full_batches AS (
    SELECT id
    FROM batches
    WHERE kind = 'earnings'
      AND state = 'FINALIZED'
      AND closed_at > %(since)s
      AND payees >= %(payees_min)s
    ORDER BY closed_at DESC
    LIMIT %(batches_max)s
)
SELECT payouts.destination AS address,
       count(DISTINCT full_batches.id)::integer AS payments
FROM full_batches
JOIN payouts ON payouts.batch_id = full_batches.id
WHERE NOT EXISTS (
    SELECT 1
    FROM lookup_entries
    WHERE lookup_entries.address = payouts.destination
      AND lookup_entries.is_live
)
GROUP BY payouts.destination
HAVING count(DISTINCT full_batches.id) >= %(payments_min)s
ORDER BY payments DESC, payouts.destination
LIMIT %(limit)s
