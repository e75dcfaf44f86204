-- The extension that is not decided yet; no row: there is none.
SELECT id
FROM batches
WHERE kind = 'table'
  AND state NOT IN ('FINALIZED', 'FAILED')
