-- What is about to leave the escrow, what of it may still be stopped by dust (not signed yet), whether
-- dust is on its way out already, and what investors have in it for upgrades that are not decided.
SELECT COALESCE(sum(payouts.lamports), 0)::bigint AS leaving_lamports,
       COALESCE(bool_or((payouts.state = 'PENDING' OR batches.state = 'PLANNED')
                        AND NOT (payouts.kind = 'release' AND payouts.investment_id IS NULL)),
                false) AS is_waiting,
       COALESCE(bool_or(payouts.kind = 'release' AND payouts.investment_id IS NULL), false)
           AS is_sweeping,
       (SELECT COALESCE(sum(lamports), 0)
        FROM content_investments
        WHERE state = 'ESCROWED')::bigint AS undecided_lamports
FROM payouts
LEFT JOIN batches ON batches.id = payouts.batch_id
WHERE payouts.debit_account = 'escrow'
  AND payouts.kind IN ('refund', 'release')
  AND payouts.state IN ('PENDING', 'RESERVED')
