-- How much is invested in each rung of a content and earns, and how much has come back.
SELECT rung,
       count(*) AS investments,
       sum(lamports)::bigint AS lamports,
       sum(returned_lamports)::bigint AS returned_lamports
FROM content_investments
WHERE content_id = %(content_id)s
  AND state = 'LIVE'
GROUP BY rung
ORDER BY rung
