-- Make the partition of each day that is about to be written.
SELECT ensure_view_events_day(day)
FROM unnest(%(days)s::date[]) AS day
ORDER BY day
