-- Totals of all drains that disagree: events recorded, events that earn, gross against the parts.
WITH totals AS (
    SELECT COALESCE(sum(events_new), 0)::bigint AS events_new,
           COALESCE(sum(events_earning), 0)::bigint AS events_earning,
           COALESCE(sum(gross_lamports), 0)::bigint AS gross_lamports
    FROM drains
), kept AS (
    SELECT count(*) AS events_new,
           count(*) FILTER (WHERE outcome = 'earned') AS events_earning
    FROM view_events
), dropped AS (
    SELECT COALESCE(sum(events_new), 0)::bigint AS events_new,
           COALESCE(sum(events_earning), 0)::bigint AS events_earning
    FROM view_days
    WHERE dropped_at IS NOT NULL
), events AS (
    SELECT kept.events_new + dropped.events_new AS events_new,
           kept.events_earning + dropped.events_earning AS events_earning
    FROM kept, dropped
), parts AS (
    SELECT COALESCE(sum(lamports), 0)::bigint
           + (SELECT posted_lamports FROM ledger_accounts WHERE account = 'platform') AS lamports
    FROM pending_earnings
), recovered AS (
    -- Earned by views that were lost with a database; only their payments are known.
    SELECT COALESCE(sum(lamports), 0)::bigint AS lamports
    FROM recovered_accruals
), epochs AS (
    SELECT COALESCE(sum(gross_lamports), 0)::bigint AS gross_lamports
    FROM content_epochs
), checks (subject, expected, found) AS (
    SELECT 'events recorded', totals.events_new, events.events_new FROM totals, events
    UNION ALL
    SELECT 'events that earn', totals.events_earning, events.events_earning FROM totals, events
    UNION ALL
    SELECT 'gross against accruals and platform', totals.gross_lamports, parts.lamports
    FROM totals, parts
    UNION ALL
    SELECT 'gross against epochs', totals.gross_lamports, epochs.gross_lamports FROM totals, epochs
    UNION ALL
    SELECT 'gross against the ledger', totals.gross_lamports + recovered.lamports, -posted_lamports
    FROM totals, recovered, ledger_accounts
    WHERE account = 'views'
)
SELECT subject, expected, found
FROM checks
WHERE expected <> found
