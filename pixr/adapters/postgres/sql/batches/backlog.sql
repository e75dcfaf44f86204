-- How much is still to be decided, and how much waits for a person.
SELECT (SELECT count(*) FROM payouts WHERE state = 'PENDING')::integer AS payouts_pending,
       (SELECT count(*) FROM batches WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT'))::integer
           AS batches_open,
       (SELECT count(*) FROM batches WHERE state = 'HOLD')::integer AS batches_held,
       (SELECT COALESCE(sum(posted_lamports), 0) FROM ledger_accounts
        WHERE split_part(account, ':', 1) IN ('owed', 'return'))::bigint AS owed_lamports
