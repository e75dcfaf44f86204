-- How many share, or are about to share, in a content.
SELECT count(*)::integer AS investors
FROM content_investments
WHERE content_id = %(content_id)s
  AND state IN ('RESERVED', 'ESCROWED', 'LIVE')
