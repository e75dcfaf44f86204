-- The state as of now: what is still to be decided, what waits for a person, what is owed.
-- A payout that waits behind one of the same wallet which is in a batch is left out of those pending.
SELECT (SELECT count(*)
        FROM payouts
        WHERE queue = 'pending'
          AND (kind NOT IN ('withdrawal', 'investment')
               OR NOT EXISTS (
                   SELECT 1
                   FROM payouts AS ahead
                   WHERE ahead.debit_account = payouts.debit_account
                     AND ahead.kind IN ('withdrawal', 'investment')
                     AND ahead.queue = 'leaving'
               )))::integer AS payouts_pending,
       (SELECT count(*) FROM batches WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT'))::integer
           AS batches_open,
       (SELECT count(*) FROM batches WHERE state IN ('SIGNED', 'INFLIGHT'))::integer
           AS batches_moving,
       (SELECT count(*) FROM batches WHERE state = 'HOLD')::integer AS batches_held,
       (SELECT count(*) FROM upgrade_jobs
        WHERE closed_at IS NULL)::integer AS upgrades_open,
       (SELECT COALESCE(sum(posted_lamports), 0) FROM ledger_accounts
        WHERE split_part(account, ':', 1) IN ('owed', 'return'))::bigint AS owed_lamports,
       (SELECT posted_lamports FROM ledger_accounts WHERE account = 'treasury')
           AS treasury_lamports
