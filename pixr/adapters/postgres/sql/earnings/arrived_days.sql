-- The days of the views that arrived, as numbers since 1970.
SELECT DISTINCT occurred_us / %(day_us)s AS number
FROM arrived_views
ORDER BY number
