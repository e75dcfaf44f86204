-- The open epochs of these contents, locked until the drain commits.
SELECT content_id, epoch, platform_fee_bps, investor_share_bps, gross_lamports, platform_lamports
FROM content_epochs
WHERE is_open
  AND content_id = ANY(%(content_ids)s::text[])
ORDER BY content_id
FOR UPDATE
