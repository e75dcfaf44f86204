-- The open epochs of these contents. Nothing is locked: `add_totals` finds out what has changed.
SELECT content_id, epoch, platform_fee_bps, investor_share_bps, gross_lamports, platform_lamports
FROM content_epochs
WHERE is_open
  AND content_id = ANY(%(content_ids)s::text[])
