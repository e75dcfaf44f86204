-- The drain in bulk (ADR-0016), and days of views that can be dropped.

SET LOCAL lock_timeout = '5s';

-- What a day of views came to. Kept by the drain, so that a day can be dropped without counting
-- it, and kept for ever, so that the sums still agree afterwards.
CREATE TABLE view_days (
    day            date        PRIMARY KEY,
    events_new     bigint      NOT NULL CHECK (events_new >= 0),
    events_earning bigint      NOT NULL CHECK (events_earning BETWEEN 0 AND events_new),
    -- When its partition went. No view of this day, or of an older one, is ever taken again:
    -- nothing is left that would know it for a repeat.
    dropped_at     timestamptz
);
INSERT INTO view_days (day, events_new, events_earning)
SELECT occurred_on, count(*), count(*) FILTER (WHERE outcome = 'earned')
FROM view_events
GROUP BY occurred_on;

-- Ids are compared byte by byte: no language's order is needed, and half of the time of a drain
-- went into looking for it.
ALTER TABLE view_events ALTER COLUMN event_id TYPE text COLLATE "C";

-- "How often has this viewer earned for this content today?" Eight bytes find it, where the two
-- names took forty; the names themselves are compared in the row.
DROP INDEX view_events_earned;
CREATE INDEX view_events_by_pair
    ON view_events (hashtextextended(viewer_id, hashtextextended(content_id, 0)))
    WHERE outcome = 'earned';

-- A content's views, counted by the drain; they outlive the days they came from.
ALTER TABLE content_epochs
    ADD COLUMN views           bigint NOT NULL DEFAULT 0,
    ADD COLUMN qualified_views bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT content_epochs_views CHECK (qualified_views BETWEEN 0 AND views),
    -- Every drain updates the rows of what was watched: room for it in the same page spares the
    -- indexes.
    SET (fillfactor = 70);
-- What was counted from the rows until now goes to a content's last epoch; a content that has
-- none, because no view of it has ever earned, gets a closed one that shares nothing.
WITH watched AS (
    SELECT content_id, count(*) AS views,
           count(*) FILTER (WHERE outcome = 'earned') AS qualified_views
    FROM view_events
    JOIN contents USING (content_id)
    GROUP BY content_id
), newest AS (
    SELECT content_id, max(epoch) AS epoch
    FROM content_epochs
    GROUP BY content_id
), counted AS (
    UPDATE content_epochs
    SET views = watched.views, qualified_views = watched.qualified_views
    FROM watched
    JOIN newest USING (content_id)
    WHERE content_epochs.content_id = watched.content_id
      AND content_epochs.epoch = newest.epoch
)
INSERT INTO content_epochs (content_id, epoch, platform_fee_bps, investor_share_bps, is_open,
                            opened_at, views, qualified_views)
SELECT watched.content_id, 1, 0, 0, false, now(), watched.views, watched.qualified_views
FROM watched
WHERE NOT EXISTS (SELECT FROM newest WHERE newest.content_id = watched.content_id);

-- As before, and never for a day that was dropped: an older settler beside a newer one would
-- make it anew, and pay its views again. Attached rather than made as a partition: that waits for
-- nobody who reads or writes `view_events`, and holds nobody up.
CREATE OR REPLACE FUNCTION ensure_view_events_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'view_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        -- Two drains may need the same new day at once.
        PERFORM pg_advisory_xact_lock(hashtext('view_events'), 0);
        IF EXISTS (SELECT FROM view_days
                   WHERE dropped_at IS NOT NULL AND view_days.day >= ensure_view_events_day.day) THEN
            RAISE EXCEPTION 'the views of % were dropped', day USING ERRCODE = 'restrict_violation';
        END IF;
        IF to_regclass(partition) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE view_events INCLUDING CONSTRAINTS)', partition);
            EXECUTE format('ALTER TABLE view_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           partition, day, day + 1);
        END IF;
    END IF;
END $$;

-- Forget the rows of a day, but not what they came to. In one transaction with its caller's.
CREATE FUNCTION drop_view_events_day(day date, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'view_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    -- A settler from before this migration recorded views and counted no days: count for it.
    IF (SELECT COALESCE(sum(events_new), 0) FROM drains)
       <> (SELECT COALESCE(sum(events_new), 0) FROM view_days) THEN
        INSERT INTO view_days (day, events_new, events_earning)
        SELECT drop_view_events_day.day, count(*), count(*) FILTER (WHERE outcome = 'earned')
        FROM view_events
        WHERE occurred_on = drop_view_events_day.day
        ON CONFLICT ON CONSTRAINT view_days_pkey DO UPDATE
        SET events_new = EXCLUDED.events_new, events_earning = EXCLUDED.events_earning;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    INSERT INTO view_days (day, events_new, events_earning, dropped_at) VALUES (day, 0, 0, at)
    ON CONFLICT ON CONSTRAINT view_days_pkey DO UPDATE SET dropped_at = EXCLUDED.dropped_at;
END $$;

-- One drain at a time, from here to the end of the transaction; and an empty table, of this
-- connection only, for what the stream gave. Temporary: nothing of it is written to the log of
-- the database, and no dump or vacuum can stand in its way.
CREATE FUNCTION begin_drain() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('drain'), 0);
    IF to_regclass('pg_temp.arrived_views') IS NULL THEN
        -- So that a hundred thousand rows stay in memory.
        PERFORM set_config('temp_buffers', '32MB', false);
        CREATE TEMPORARY TABLE arrived_views (
            event_id    text COLLATE "C" NOT NULL,
            content_id  text             NOT NULL,
            viewer_id   text             NOT NULL,
            watched_ms  integer          NOT NULL,
            -- Microseconds since 1970, as on the stream.
            occurred_us bigint           NOT NULL
        ) ON COMMIT DELETE ROWS;
    END IF;
END $$;
