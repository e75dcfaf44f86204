-- What each content's views brought its creator, and how many views that were.
SELECT content_id, user_id, sum(views)::bigint AS views, sum(lamports)::bigint AS lamports
FROM pending_earnings
WHERE kind = 'earnings'
GROUP BY content_id, user_id
ORDER BY content_id, user_id
