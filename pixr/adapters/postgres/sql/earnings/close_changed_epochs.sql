-- Close the open epochs whose shares are no longer what the settings say.
UPDATE content_epochs
SET is_open = false
WHERE is_open
  AND content_id = ANY(%(content_ids)s::text[])
  AND (platform_fee_bps <> %(platform_fee_bps)s OR investor_share_bps <> %(investor_share_bps)s)
