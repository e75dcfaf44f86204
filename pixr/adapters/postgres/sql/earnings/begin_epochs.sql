-- The first epoch of each of these contents, with what this drain adds to it: writing the row once
-- costs half of opening it and then adding to it. A unique index refuses when somebody else has
-- opened one since it was looked for.
INSERT INTO content_epochs (content_id, epoch, platform_fee_bps, investor_share_bps, opened_at,
                            gross_lamports, platform_lamports, views, qualified_views)
SELECT content_id, 1, %(platform_fee_bps)s, %(investor_share_bps)s, %(now)s,
       gross_lamports, platform_lamports, views, qualified_views
FROM unnest(%(content_ids)s::text[], %(gross_lamports)s::bigint[], %(platform_lamports)s::bigint[],
            %(views)s::integer[], %(qualified_views)s::integer[])
     AS added (content_id, gross_lamports, platform_lamports, views, qualified_views)
