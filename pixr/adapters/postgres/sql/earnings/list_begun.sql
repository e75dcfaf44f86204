-- Those of these contents that ever had an epoch, or have investors: their next one needs more than
-- a first one does.
SELECT content_id
FROM unnest(%(content_ids)s::text[]) AS wanted (content_id)
WHERE EXISTS (SELECT FROM content_epochs WHERE content_epochs.content_id = wanted.content_id)
   OR EXISTS (SELECT FROM content_investments
              WHERE content_investments.content_id = wanted.content_id
                AND content_investments.state = 'LIVE')
