-- What happened since a moment. Averages and rates are NULL where nothing happened.
SELECT settled.batches_finalized,
       settled.batches_failed,
       settled.payees,
       settled.processed_lamports,
       landed.fee_lamports,
       landed.transactions,
       landed.transaction_seconds,
       viewed.views,
       viewed.views_new,
       viewed.views_qualified,
       viewed.accrued_lamports,
       upgraded.upgrades_published,
       upgraded.upgrades_failed,
       upgraded.cost_error_percent,
       (SELECT count(*) FROM user_wallets WHERE created_at >= %(since)s) AS wallets_created
FROM (
    SELECT count(*) FILTER (WHERE state = 'FINALIZED') AS batches_finalized,
           count(*) FILTER (WHERE state = 'FAILED') AS batches_failed,
           COALESCE(sum(payees) FILTER (WHERE is_payment), 0)::bigint AS payees,
           COALESCE(sum(lamports) FILTER (WHERE is_payment), 0)::bigint
               AS processed_lamports
    FROM batches
    -- Rent that comes home or goes into a table is nobody's payment.
    CROSS JOIN LATERAL (SELECT state = 'FINALIZED' AND merkle_root IS NOT NULL AS is_payment) AS kind
    WHERE closed_at >= %(since)s
) AS settled
CROSS JOIN (
    SELECT COALESCE(sum(fee_lamports), 0)::bigint AS fee_lamports,
           count(*) FILTER (WHERE state = 'LANDED') AS transactions,
           avg(extract(epoch FROM closed_at - signed_at)) FILTER (WHERE state = 'LANDED')
               AS transaction_seconds
    FROM transactions
    WHERE closed_at >= %(since)s
) AS landed
CROSS JOIN (
    SELECT COALESCE(sum(events_read), 0)::bigint AS views,
           COALESCE(sum(events_new), 0)::bigint AS views_new,
           COALESCE(sum(events_earning), 0)::bigint AS views_qualified,
           COALESCE(sum(gross_lamports), 0)::bigint AS accrued_lamports
    FROM drains
    WHERE drained_at >= %(since)s
) AS viewed
CROSS JOIN (
    SELECT count(*) FILTER (WHERE state = 'PUBLISHED') AS upgrades_published,
           count(*) FILTER (WHERE state = 'FAILED') AS upgrades_failed,
           -- The median of what pixr.domain.costs calls the error of an estimate.
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY (100 * (estimate ->> 'usd')::numeric
                         / NULLIF((actual ->> 'usd')::numeric, 0) - 100)::double precision)
               FILTER (WHERE state = 'PUBLISHED') AS cost_error_percent
    FROM upgrade_jobs
    WHERE closed_at >= %(since)s
) AS upgraded
