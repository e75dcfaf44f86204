-- Of the views that were drained after a moment: how many that earn there are per drain and content,
-- and how many of them happened before it.
SELECT view_events.drain_id, view_events.content_id,
       count(*) FILTER (WHERE view_events.occurred_at <= %(until)s)::integer AS old,
       count(*)::integer AS views
FROM drains
JOIN view_events ON view_events.drain_id = drains.id
WHERE drains.drained_at > %(until)s
  AND view_events.outcome = 'earned'
GROUP BY view_events.drain_id, view_events.content_id
