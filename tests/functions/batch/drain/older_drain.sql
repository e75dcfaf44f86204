-- Record the events that were never seen before, each with what it earned or why not, and
-- return per content how many were new and how many earn. A repeated event changes nothing.
WITH incoming AS (
    SELECT DISTINCT ON (event_id, (occurred_at AT TIME ZONE 'UTC')::date)
           event_id, (occurred_at AT TIME ZONE 'UTC')::date AS occurred_on,
           content_id, viewer_id, watched_ms, occurred_at
    FROM unnest(%(event_ids)s::text[], %(content_ids)s::text[], %(viewer_ids)s::text[],
                %(watched_ms)s::integer[], %(occurred_at)s::timestamptz[])
         AS event (event_id, content_id, viewer_id, watched_ms, occurred_at)
    ORDER BY event_id, (occurred_at AT TIME ZONE 'UTC')::date, occurred_at
), fresh AS (
    SELECT incoming.*
    FROM incoming
    WHERE NOT EXISTS (
        SELECT 1
        FROM view_events
        WHERE view_events.event_id = incoming.event_id
          AND view_events.occurred_on = incoming.occurred_on
    )
), judged AS (
    SELECT fresh.*,
           CASE
               WHEN contents.content_id IS NULL THEN 'unknown_content'
               WHEN contents.state <> 'live' THEN 'not_published'
               WHEN contents.creator_id = fresh.viewer_id THEN 'own_content'
               WHEN fresh.watched_ms < LEAST(%(watched_ms_min)s, contents.duration_ms / 2)
                   THEN 'too_short'
               ELSE 'earned'
           END AS outcome
    FROM fresh
    LEFT JOIN contents USING (content_id)
), ranked AS (
    SELECT judged.*,
           row_number() OVER (PARTITION BY occurred_on, content_id, viewer_id, outcome
                              ORDER BY occurred_at, event_id) AS number
    FROM judged
), earned_before AS (
    SELECT occurred_on, content_id, viewer_id, count(*) AS number
    FROM view_events
    WHERE outcome = 'earned'
      AND (occurred_on, content_id, viewer_id) IN (
          SELECT occurred_on, content_id, viewer_id FROM judged WHERE outcome = 'earned'
      )
    GROUP BY occurred_on, content_id, viewer_id
), inserted AS (
    INSERT INTO view_events (event_id, occurred_on, content_id, viewer_id, watched_ms,
                             occurred_at, outcome, drain_id)
    SELECT event_id, occurred_on, content_id, viewer_id, watched_ms, occurred_at,
           CASE WHEN outcome = 'earned'
                     AND ranked.number + COALESCE(earned_before.number, 0)
                         > %(views_per_viewer_day)s
                THEN 'daily_limit' ELSE outcome END,
           %(drain_id)s
    FROM ranked
    LEFT JOIN earned_before USING (occurred_on, content_id, viewer_id)
    ON CONFLICT (event_id, occurred_on) DO NOTHING
    RETURNING content_id, outcome
)
SELECT inserted.content_id, contents.creator_id, contents.best_rung,
       count(*)::integer AS events_new,
       (count(*) FILTER (WHERE outcome = 'earned'))::integer AS events_earning
FROM inserted
LEFT JOIN contents USING (content_id)
GROUP BY inserted.content_id, contents.creator_id, contents.best_rung
ORDER BY inserted.content_id
