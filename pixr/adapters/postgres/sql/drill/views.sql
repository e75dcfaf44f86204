-- What became of the events of each request of a drill: the part of their id before the colon
-- names the request.
SELECT split_part(event_id, ':', 1) AS request, content_id,
       count(*)::integer AS events,
       (count(*) FILTER (WHERE outcome = 'earned'))::integer AS earned
FROM view_events
GROUP BY 1, 2
ORDER BY 1, 2
