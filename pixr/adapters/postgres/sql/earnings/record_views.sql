-- Record the events of one day that were never seen before, each with what it earned or why not,
-- and return per content how many were new and how many earn. A repeated event changes nothing.
--
-- Everything is one pass over the arrived rows in the order of their ids: that is the order of the
-- primary key, and rows that are written in it cost half of what they cost at random. Names are
-- hashed once: a content gets a number and a seed, a viewer's views of it the hash of the index.
WITH named AS MATERIALIZED (
    -- In the order of the index, which makes its lookups neighbours.
    SELECT content_id, hashtextextended(content_id, 0) AS seed, row_number() OVER () AS number
    FROM (
        SELECT content_id
        FROM (
            SELECT DISTINCT content_id
            FROM arrived_views
            WHERE occurred_us >= %(begin_us)s
              AND occurred_us < %(end_us)s
            OFFSET 0 -- keeps it from sorting them all
        ) AS watched
        ORDER BY content_id
    ) AS sorted
), known AS MATERIALIZED (
    SELECT named.content_id, named.seed, named.number, content.creator_id, content.best_rung,
           content.state, content.watched_ms_min
    FROM named
    LEFT JOIN LATERAL (
        SELECT creator_id, state, best_rung,
               LEAST(%(watched_ms_min)s, duration_ms / 2) AS watched_ms_min
        FROM contents
        WHERE contents.content_id = named.content_id
        OFFSET 0 -- keeps it a lookup
    ) AS content ON true
), judged AS MATERIALIZED (
    SELECT hashtextextended(incoming.viewer_id, known.seed) AS pair,
           known.number AS content_number,
           incoming.occurred_us, incoming.watched_ms,
           CASE
               WHEN known.creator_id IS NULL THEN 'unknown_content'
               WHEN known.state <> 'live' THEN 'not_published'
               WHEN known.creator_id = incoming.viewer_id THEN 'own_content'
               WHEN incoming.watched_ms < known.watched_ms_min THEN 'too_short'
               ELSE 'earned'
           END AS outcome,
           incoming.event_id, incoming.content_id, incoming.viewer_id
    FROM (
        SELECT DISTINCT ON (event_id) event_id, content_id, viewer_id, watched_ms, occurred_us
        FROM arrived_views
        WHERE occurred_us >= %(begin_us)s
          AND occurred_us < %(end_us)s
        ORDER BY event_id, occurred_us, content_id, viewer_id, watched_ms
    ) AS incoming
    JOIN known USING (content_id)
    WHERE (
        SELECT true
        FROM view_events
        WHERE view_events.event_id = incoming.event_id
          AND view_events.occurred_on = %(day)s
    ) IS NULL
), pairs AS (
    SELECT pair, count(*) AS number
    FROM judged
    WHERE outcome = 'earned'
    GROUP BY pair
    ORDER BY pair
), crowded AS MATERIALIZED (
    -- Few viewers reach the limit, by the hash or in truth; only their views are put in order.
    SELECT pair
    FROM pairs
    WHERE number + (
        SELECT count(*)
        FROM view_events
        WHERE view_events.outcome = 'earned'
          AND hashtextextended(view_events.viewer_id,
                               hashtextextended(view_events.content_id, 0)) = pairs.pair
          AND view_events.occurred_on = %(day)s
    ) > %(views_per_viewer_day)s
), surplus AS MATERIALIZED (
    SELECT event_id, content_number
    FROM (
        SELECT judged.event_id, judged.content_number,
               row_number() OVER (PARTITION BY judged.content_id, judged.viewer_id
                                  ORDER BY judged.occurred_us, judged.event_id) AS number,
               (
                   SELECT count(*)
                   FROM view_events
                   WHERE view_events.outcome = 'earned'
                     AND hashtextextended(view_events.viewer_id,
                                          hashtextextended(view_events.content_id, 0))
                         = judged.pair
                     AND view_events.occurred_on = %(day)s
                     AND view_events.content_id = judged.content_id
                     AND view_events.viewer_id = judged.viewer_id
               ) AS earned_before
        FROM judged
        JOIN crowded USING (pair)
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
    SELECT content_number, count(*)::integer AS events_new,
           (count(*) FILTER (WHERE outcome = 'earned'))::integer AS events_good
    FROM judged
    GROUP BY content_number
), spared AS (
    SELECT content_number, count(*)::integer AS events
    FROM surplus
    GROUP BY content_number
)
SELECT known.content_id, known.creator_id, known.best_rung, counted.events_new,
       counted.events_good - COALESCE(spared.events, 0) AS events_earning
FROM counted
JOIN known ON known.number = counted.content_number
LEFT JOIN spared USING (content_number)
