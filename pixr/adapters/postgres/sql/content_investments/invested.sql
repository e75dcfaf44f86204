-- What a user has put into upgrades since a moment, whatever became of it: many small sums are a
-- large one.
SELECT COALESCE(sum(lamports), 0)::bigint AS lamports
FROM content_investments
WHERE user_id = %(user_id)s
  AND created_at > %(since)s
