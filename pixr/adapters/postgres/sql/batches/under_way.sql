-- What the settler has still to do: payouts to plan, batches to decide, and those of them that were
-- signed. A payout that waits behind one of the same wallet which is in a batch is left out.
SELECT (SELECT count(*)
        FROM payouts
        WHERE queue = 'pending'
          AND (kind NOT IN ('withdrawal', 'investment')
               OR NOT EXISTS (
                   SELECT 1
                   FROM payouts AS ahead
                   WHERE ahead.debit_account = payouts.debit_account
                     AND ahead.queue = 'leaving'
               )))::integer AS payouts_pending,
       count(*)::integer AS batches_open,
       count(*) FILTER (WHERE state <> 'PLANNED')::integer AS batches_moving
FROM batches
WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT')
