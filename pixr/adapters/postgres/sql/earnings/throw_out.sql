-- Throw out what happened before the first or after the last day that is taken; returns it.
DELETE FROM arrived_views
WHERE occurred_us / %(day_us)s NOT BETWEEN %(first)s AND %(last)s
RETURNING event_id, content_id, viewer_id, watched_ms, occurred_us
