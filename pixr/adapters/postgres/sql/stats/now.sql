-- The state of the whole, as of now.
SELECT
    (SELECT COALESCE(sum(posted_lamports), 0)::bigint
     FROM ledger_accounts
     WHERE split_part(account, ':', 1) IN ('owed', 'return')
       AND posted_lamports > 0) AS pending_earnings_lamports,
    (SELECT count(*) FROM payouts WHERE queue = 'pending') AS payouts_pending,
    (SELECT count(*) FROM batches WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT')) AS batches_open,
    (SELECT count(*) FROM batches WHERE state = 'HOLD') AS batches_held,
    (SELECT count(*)
     FROM upgrade_jobs
     WHERE closed_at IS NULL) AS upgrades_queued,
    (SELECT count(*) FROM user_wallets) AS wallets,
    (SELECT max(drained_at) FROM drains) AS drained_at
