-- Payments that looked their payees up in a table and are final, and the most payees of one.
SELECT count(*)::integer AS payments, COALESCE(max(payees), 0)::integer AS payees_most
FROM batches
WHERE table_address IS NOT NULL
  AND kind = 'earnings'
  AND state = 'FINALIZED'
