-- What each user earned in this drain, per content.
INSERT INTO pending_earnings (drain_id, content_id, user_id, kind, views, lamports, accrued_at)
SELECT %(drain_id)s, content_id, user_id, kind, views, lamports, %(now)s
FROM unnest(%(content_ids)s::text[], %(user_ids)s::text[], %(kinds)s::text[],
            %(views)s::integer[], %(lamports)s::bigint[])
     AS part (content_id, user_id, kind, views, lamports)
