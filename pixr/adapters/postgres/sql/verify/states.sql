-- Batches, attempts, items and payouts whose states contradict each other. Every step of settlement
-- is one database transaction, so this must hold whenever it is looked at.
WITH attempts AS (
    SELECT batch_id,
           count(*) FILTER (WHERE state = 'LANDED') AS landed,
           count(*) FILTER (WHERE state IN ('SIGNED', 'INFLIGHT')) AS live
    FROM transactions
    GROUP BY batch_id
), items AS (
    SELECT batch_items.batch_id,
           count(*) FILTER (WHERE is_live) AS live,
           count(*) AS payees,
           sum(payouts.lamports) AS lamports
    FROM batch_items
    JOIN payouts ON payouts.id = batch_items.payout_id
    GROUP BY batch_items.batch_id
), found AS (
    SELECT 'batch ' || batches.id AS subject, 'attempts that landed' AS what,
           (batches.state = 'FINALIZED')::integer::bigint AS expected,
           COALESCE(attempts.landed, 0) AS found
    FROM batches
    LEFT JOIN attempts ON attempts.batch_id = batches.id
    UNION ALL
    SELECT 'batch ' || batches.id, 'live attempts',
           (batches.state IN ('SIGNED', 'INFLIGHT'))::integer, COALESCE(attempts.live, 0)
    FROM batches
    LEFT JOIN attempts ON attempts.batch_id = batches.id
    WHERE batches.state <> 'HOLD'
    UNION ALL
    SELECT 'batch ' || batches.id, 'payees', batches.payees, COALESCE(items.payees, 0)
    FROM batches
    LEFT JOIN items ON items.batch_id = batches.id
    WHERE batches.merkle_root IS NOT NULL
      AND (items.batch_id IS NOT NULL OR batches.receipt_seed IS NULL)
    UNION ALL
    SELECT 'batch ' || batches.id, 'lamports', batches.lamports, items.lamports
    FROM batches
    JOIN items ON items.batch_id = batches.id
    UNION ALL
    SELECT 'batch ' || batches.id, 'live items',
           CASE WHEN batches.state = 'FAILED' THEN 0 ELSE items.payees END, items.live
    FROM batches
    JOIN items ON items.batch_id = batches.id
    UNION ALL
    SELECT 'payout ' || payouts.id || ', ' || payouts.state,
           'live items in a batch that is ' || CASE payouts.state WHEN 'PAID' THEN 'FINALIZED'
                                                                  ELSE 'open' END,
           (payouts.state IN ('PAID', 'RESERVED'))::integer,
           count(batch_items.payout_id)
    FROM payouts
    LEFT JOIN (batch_items JOIN batches ON batches.id = batch_items.batch_id)
        ON batch_items.payout_id = payouts.id
       AND batch_items.is_live
       AND (payouts.batch_id IS NULL
            OR (batches.id = payouts.batch_id
                AND (batches.state = 'FINALIZED') = (payouts.state = 'PAID')))
    GROUP BY payouts.id
)
SELECT subject || ', ' || what AS subject, expected, found
FROM found
WHERE expected <> found
ORDER BY 1
