-- Add one drain to the totals of these epochs, if they are still open: fewer rows than asked for
-- mean that one was closed since it was read.
UPDATE content_epochs
SET gross_lamports = content_epochs.gross_lamports + added.gross_lamports,
    platform_lamports = content_epochs.platform_lamports + added.platform_lamports,
    investor_lamports = content_epochs.investor_lamports + added.investor_lamports,
    views = content_epochs.views + added.views,
    qualified_views = content_epochs.qualified_views + added.qualified_views
FROM unnest(%(content_ids)s::text[], %(epochs)s::integer[], %(gross_lamports)s::bigint[],
            %(platform_lamports)s::bigint[], %(investor_lamports)s::bigint[],
            %(views)s::integer[], %(qualified_views)s::integer[])
     AS added (content_id, epoch, gross_lamports, platform_lamports, investor_lamports, views,
               qualified_views)
WHERE content_epochs.is_open
  AND content_epochs.content_id = added.content_id
  AND content_epochs.epoch = added.epoch
