-- Payouts that ended neither paid nor put aside nor held, nor behind a held one that leaves the
-- same wallet; with where they stand.
SELECT payouts.id, payouts.kind, payouts.state, batches.state AS batch_state, payouts.created_at
FROM payouts
LEFT JOIN batches ON batches.id = payouts.batch_id
WHERE payouts.state IN ('PENDING', 'RESERVED')
  AND batches.state IS DISTINCT FROM 'HOLD'
  AND NOT EXISTS (
      SELECT
      FROM payouts AS first
      JOIN batches AS held ON held.id = first.batch_id AND held.state = 'HOLD'
      WHERE first.kind IN ('withdrawal', 'investment')
        AND payouts.kind IN ('withdrawal', 'investment')
        AND first.debit_account = payouts.debit_account
  )
ORDER BY payouts.created_at
