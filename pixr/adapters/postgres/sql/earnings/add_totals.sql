-- Add one drain to the totals of the open epochs.
UPDATE content_epochs
SET gross_lamports = content_epochs.gross_lamports + added.gross_lamports,
    platform_lamports = content_epochs.platform_lamports + added.platform_lamports,
    investor_lamports = content_epochs.investor_lamports + added.investor_lamports
FROM unnest(%(content_ids)s::text[], %(gross_lamports)s::bigint[],
            %(platform_lamports)s::bigint[], %(investor_lamports)s::bigint[])
     AS added (content_id, gross_lamports, platform_lamports, investor_lamports)
WHERE content_epochs.is_open
  AND content_epochs.content_id = added.content_id
