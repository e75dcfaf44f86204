-- Record the events of one day that were never seen before, each with what it earned or why not,
-- and return per content how many were new and how many earn. A repeated event changes nothing.
--
-- Everything is one pass over the arrived rows in the order of their ids: that is the order of the
-- primary key, and rows that are written in it cost half of what they cost at random.
WITH incoming AS MATERIALIZED (
    SELECT DISTINCT ON (event_id) event_id, content_id, viewer_id, watched_ms, occurred_us
    FROM arrived_views
    WHERE occurred_us >= %(begin_us)s
      AND occurred_us < %(end_us)s
    ORDER BY event_id, occurred_us, content_id, viewer_id, watched_ms
), known AS MATERIALIZED (
    SELECT content.*
    FROM (SELECT DISTINCT content_id FROM incoming) AS named
    CROSS JOIN LATERAL (
        SELECT content_id, creator_id, state, best_rung,
               LEAST(%(watched_ms_min)s, duration_ms / 2) AS watched_ms_min
        FROM contents
        WHERE contents.content_id = named.content_id
        OFFSET 0 -- keeps it a lookup
    ) AS content
), judged AS MATERIALIZED (
    SELECT incoming.*,
           CASE
               WHEN known.content_id IS NULL THEN 'unknown_content'
               WHEN known.state <> 'live' THEN 'not_published'
               WHEN known.creator_id = incoming.viewer_id THEN 'own_content'
               WHEN incoming.watched_ms < known.watched_ms_min THEN 'too_short'
               ELSE 'earned'
           END AS outcome
    FROM incoming
    LEFT JOIN known USING (content_id)
    WHERE (
        SELECT true
        FROM view_events
        WHERE view_events.event_id = incoming.event_id
          AND view_events.occurred_on = %(day)s
        LIMIT 1
    ) IS NULL
), pairs AS (
    -- In the order of the index, which makes its lookups neighbours.
    SELECT content_id, viewer_id, count(*) AS number,
           hashtextextended(viewer_id, hashtextextended(content_id, 0)) AS pair
    FROM judged
    WHERE outcome = 'earned'
    GROUP BY content_id, viewer_id
    ORDER BY pair
), above AS MATERIALIZED (
    -- Few viewers reach the limit; only their views are put in order.
    SELECT pairs.content_id, pairs.viewer_id, earned_before.number
    FROM pairs
    CROSS JOIN LATERAL (
        SELECT count(*) AS number
        FROM view_events
        WHERE view_events.outcome = 'earned'
          AND hashtextextended(view_events.viewer_id,
                               hashtextextended(view_events.content_id, 0)) = pairs.pair
          AND view_events.occurred_on = %(day)s
          AND view_events.content_id = pairs.content_id
          AND view_events.viewer_id = pairs.viewer_id
    ) AS earned_before
    WHERE pairs.number + earned_before.number > %(views_per_viewer_day)s
), surplus AS MATERIALIZED (
    SELECT event_id
    FROM (
        SELECT judged.event_id, above.number AS earned_before,
               row_number() OVER (PARTITION BY content_id, viewer_id
                                  ORDER BY judged.occurred_us, judged.event_id) AS number
        FROM judged
        JOIN above USING (content_id, viewer_id)
        WHERE judged.outcome = 'earned'
    ) AS ranked
    WHERE number + earned_before > %(views_per_viewer_day)s
), inserted AS (
    INSERT INTO view_events (event_id, occurred_on, content_id, viewer_id, watched_ms,
                             occurred_at, outcome, drain_id)
    SELECT event_id, %(day)s::date, content_id, viewer_id, watched_ms,
           timestamptz 'epoch' + occurred_us * interval '1 microsecond',
           CASE WHEN event_id IN (SELECT event_id FROM surplus)
                THEN 'daily_limit' ELSE outcome END,
           %(drain_id)s
    FROM judged
), counted AS (
    SELECT content_id, count(*)::integer AS events_new,
           (count(*) FILTER (WHERE outcome = 'earned'
                                   AND event_id NOT IN (SELECT event_id FROM surplus))
           )::integer AS events_earning
    FROM judged
    GROUP BY content_id
)
SELECT counted.content_id, known.creator_id, known.best_rung,
       counted.events_new, counted.events_earning
FROM counted
LEFT JOIN known USING (content_id)
