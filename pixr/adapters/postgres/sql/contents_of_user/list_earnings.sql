-- Per content that a user made or invested in, newest first: what viewers did, how the gross was
-- split, and the user's own part (as creator, as investor, or both), pending and paid.
SELECT contents.content_id,
       contents.created_at,
       contents.creator_id = %(user_id)s AS is_creator,
       totals.views,
       totals.views_qualified,
       totals.gross_lamports,
       totals.platform_lamports,
       totals.investor_lamports,
       own.lamports AS own_lamports,
       own.paid_lamports
FROM contents
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(views), 0)::bigint AS views,
           COALESCE(sum(qualified_views), 0)::bigint AS views_qualified,
           COALESCE(sum(gross_lamports), 0)::bigint AS gross_lamports,
           COALESCE(sum(platform_lamports), 0)::bigint AS platform_lamports,
           COALESCE(sum(investor_lamports), 0)::bigint AS investor_lamports
    FROM content_epochs
    WHERE content_epochs.content_id = contents.content_id
) AS totals
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(pending_earnings.lamports), 0)::bigint AS lamports,
           COALESCE(sum(pending_earnings.lamports) FILTER (WHERE payouts.state = 'PAID'), 0)::bigint
               AS paid_lamports
    FROM pending_earnings
    LEFT JOIN payouts ON payouts.id = pending_earnings.payout_id
    WHERE pending_earnings.user_id = %(user_id)s
      AND pending_earnings.content_id = contents.content_id
) AS own
WHERE (contents.creator_id = %(user_id)s
       OR EXISTS (
           SELECT
           FROM content_investments
           WHERE content_investments.user_id = %(user_id)s
             AND content_investments.content_id = contents.content_id))
  AND (%(before_at)s::timestamptz IS NULL
       OR (contents.created_at, contents.content_id COLLATE "C")
          < (%(before_at)s::timestamptz, %(before_key)s::text COLLATE "C"))
ORDER BY contents.created_at DESC, contents.content_id COLLATE "C" DESC
LIMIT %(limit)s
