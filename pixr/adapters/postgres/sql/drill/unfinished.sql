-- How much a settler still has to do. What is held waits for a person, as does what wants to
-- leave the same wallet after it; sums that are too small to be paid wait for more views.
SELECT (SELECT count(*)
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
          ))::integer AS payouts,
       (SELECT count(*) FROM batches WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT'))::integer
           AS batches,
       (SELECT count(*) FROM batches WHERE state = 'HOLD')::integer AS held,
       (SELECT count(*) FROM owed_accounts
        WHERE available_lamports >= %(minimum_lamports)s)::integer AS dues,
       (SELECT count(*) FROM upgrade_jobs
        WHERE closed_at IS NULL)::integer AS upgrades,
       (SELECT count(*) FROM outbox WHERE sent_at IS NULL)::integer AS messages
