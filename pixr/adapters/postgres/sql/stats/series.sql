-- The same as points for a plot: equal steps up to now, each beginning at `at`.
WITH steps AS (
    SELECT at, at + %(step)s::interval AS until
    FROM generate_series(%(since)s::timestamptz,
                         %(now)s::timestamptz - interval '1 microsecond',
                         %(step)s::interval) AS at
)
SELECT steps.at,
       settled.payees,
       settled.processed_lamports,
       settled.batches_failed,
       landed.fee_lamports,
       landed.transaction_seconds,
       viewed.views_new,
       viewed.accrued_lamports,
       (SELECT count(*)
        FROM user_wallets
        WHERE created_at >= steps.at AND created_at < steps.until) AS wallets_created
FROM steps
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(payees) FILTER (WHERE is_payment), 0)::bigint AS payees,
           COALESCE(sum(lamports) FILTER (WHERE is_payment), 0)::bigint
               AS processed_lamports,
           count(*) FILTER (WHERE state = 'FAILED') AS batches_failed
    FROM batches
    -- Rent that comes home or goes into a table is nobody's payment.
    CROSS JOIN LATERAL (SELECT state = 'FINALIZED' AND merkle_root IS NOT NULL AS is_payment) AS kind
    WHERE closed_at >= steps.at AND closed_at < steps.until
) AS settled
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(fee_lamports), 0)::bigint AS fee_lamports,
           avg(extract(epoch FROM closed_at - signed_at)) FILTER (WHERE state = 'LANDED')
               AS transaction_seconds
    FROM transactions
    WHERE closed_at >= steps.at AND closed_at < steps.until
) AS landed
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(events_new), 0)::bigint AS views_new,
           COALESCE(sum(gross_lamports), 0)::bigint AS accrued_lamports
    FROM drains
    WHERE drained_at >= steps.at AND drained_at < steps.until
) AS viewed
ORDER BY steps.at
