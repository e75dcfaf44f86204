-- The newest day whose views were dropped; NULL when none was.
SELECT max(day) AS day
FROM view_days
WHERE dropped_at IS NOT NULL
