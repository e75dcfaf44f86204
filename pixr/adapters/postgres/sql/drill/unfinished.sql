-- How much a settler still has to do. What is held waits for a person, and sums that are too
-- small to be paid wait for more views; neither counts.
SELECT (SELECT count(*)
        FROM payouts
        LEFT JOIN batches ON batches.id = payouts.batch_id
        WHERE payouts.state IN ('PENDING', 'RESERVED')
          AND batches.state IS DISTINCT FROM 'HOLD')::integer AS payouts,
       (SELECT count(*) FROM batches WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT'))::integer
           AS batches,
       (SELECT count(*) FROM owed_accounts
        WHERE available_lamports >= %(minimum_lamports)s)::integer AS dues,
       (SELECT count(*) FROM upgrade_jobs
        WHERE state IN ('QUEUED', 'ENCODING', 'ASSEMBLING'))::integer AS upgrades,
       (SELECT count(*) FROM outbox WHERE sent_at IS NULL)::integer AS messages
