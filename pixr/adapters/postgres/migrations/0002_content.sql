-- Videos: their sources, renditions, and the jobs that make renditions.

SET LOCAL lock_timeout = '5s';

CREATE TABLE contents (
    content_id     text        PRIMARY KEY CHECK (content_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    creator_id     text        NOT NULL CHECK (length(creator_id) BETWEEN 1 AND 128),
    -- 'awaiting' until a first rendition is published.
    state          text        NOT NULL DEFAULT 'awaiting' CHECK (state IN ('awaiting', 'live')),
    -- What the accepted source is; NULL until a source was accepted.
    source_key     text,
    source_bytes   bigint      CHECK (source_bytes > 0),
    width_px       integer     CHECK (width_px > 0),
    height_px      integer     CHECK (height_px > 0),
    duration_ms    bigint      CHECK (duration_ms > 0),
    frames         bigint      CHECK (frames > 0),
    has_audio      boolean,
    -- The best published rung; decides what a view earns.
    best_rung      smallint    CHECK (best_rung IN (240, 360, 480, 720, 1080, 1440, 2160)),
    -- The master playlist that players open; replaced last, so viewers never see a half.
    manifest_key   text,
    -- Pointer to analysis/<content>/manifest.json and its SHA-256; another service writes it.
    analysis_key    text,
    analysis_sha256 text       CHECK (analysis_sha256 ~ '^[0-9a-f]{64}$'),
    created_at     timestamptz NOT NULL,
    CHECK ((state = 'live') = (manifest_key IS NOT NULL AND best_rung IS NOT NULL)),
    CHECK (state = 'awaiting' OR (source_key IS NOT NULL AND duration_ms IS NOT NULL))
);
CREATE INDEX contents_by_creator ON contents (creator_id);

-- One presigned upload of one file.
CREATE TABLE uploads (
    upload_id  uuid        PRIMARY KEY,
    content_id text        NOT NULL REFERENCES contents,
    user_id    text        NOT NULL,
    object_key text        NOT NULL UNIQUE CHECK (object_key LIKE 'originals/%'),
    state      text        NOT NULL DEFAULT 'expected'
        CHECK (state IN ('expected', 'accepted', 'rejected')),
    -- In plain words, when rejected.
    reason     text,
    created_at timestamptz NOT NULL,
    CHECK ((state = 'rejected') = (reason IS NOT NULL))
);

CREATE TABLE upgrade_jobs (
    id              uuid        PRIMARY KEY,
    content_id      text        NOT NULL REFERENCES contents,
    -- 'base' is the free first rendition; 'funded' was paid for by investors.
    kind            text        NOT NULL CHECK (kind IN ('base', 'funded')),
    upload_id       uuid        REFERENCES uploads,
    -- Short side of the rendition to make; NULL until the source was probed.
    rung            smallint    CHECK (rung IN (240, 360, 480, 720, 1080, 1440, 2160)),
    source_key      text        NOT NULL,
    -- The exact object version that was probed: a replaced source is noticed.
    source_etag     text,
    -- Encoder settings and frame plan, frozen for all chunks.
    settings        jsonb,
    state           text        NOT NULL DEFAULT 'QUEUED'
        CHECK (state IN ('QUEUED', 'ENCODING', 'ASSEMBLING', 'PUBLISHED', 'REJECTED', 'FAILED')),
    -- In plain words, when rejected or failed.
    reason          text,
    chunks_total    integer     CHECK (chunks_total BETWEEN 1 AND 100000),
    chunks_done     integer     NOT NULL DEFAULT 0 CHECK (chunks_done >= 0),
    cpu_ms          bigint      NOT NULL DEFAULT 0 CHECK (cpu_ms >= 0),
    -- Hashes of every analysis part, read before planning and after publishing.
    analysis_before jsonb,
    analysis_after  jsonb,
    created_at      timestamptz NOT NULL,
    closed_at       timestamptz,
    CHECK (chunks_done <= COALESCE(chunks_total, 0)),
    CHECK ((state IN ('PUBLISHED', 'REJECTED', 'FAILED')) = (closed_at IS NOT NULL)),
    CHECK ((state IN ('REJECTED', 'FAILED')) = (reason IS NOT NULL)),
    CHECK (state IN ('QUEUED', 'REJECTED', 'FAILED')
           OR (rung IS NOT NULL AND chunks_total IS NOT NULL AND settings IS NOT NULL)),
    CHECK (state <> 'PUBLISHED' OR analysis_before IS NOT DISTINCT FROM analysis_after)
);
-- A repeated S3 event finds the job of the first.
CREATE UNIQUE INDEX upgrade_jobs_one_per_upload ON upgrade_jobs (upload_id) WHERE kind = 'base';
-- One live job makes one rung of one content.
CREATE UNIQUE INDEX upgrade_jobs_one_live_per_rung ON upgrade_jobs (content_id, rung)
    WHERE state IN ('QUEUED', 'ENCODING', 'ASSEMBLING');
CREATE INDEX upgrade_jobs_live ON upgrade_jobs (created_at)
    WHERE state IN ('QUEUED', 'ENCODING', 'ASSEMBLING');

CREATE TABLE upgrade_chunks (
    job_id      uuid    NOT NULL REFERENCES upgrade_jobs,
    position    integer NOT NULL CHECK (position >= 0),
    frame_start bigint  NOT NULL CHECK (frame_start >= 0),
    frame_count bigint  NOT NULL CHECK (frame_count > 0),
    state       text    NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'DONE')),
    object_key  text,
    bytes       bigint  CHECK (bytes > 0),
    cpu_ms      bigint  CHECK (cpu_ms >= 0),
    done_at     timestamptz,
    PRIMARY KEY (job_id, position),
    CHECK ((state = 'DONE') = (object_key IS NOT NULL AND bytes IS NOT NULL AND done_at IS NOT NULL))
);

CREATE TABLE renditions (
    content_id   text        NOT NULL REFERENCES contents,
    rung         smallint    NOT NULL CHECK (rung IN (240, 360, 480, 720, 1080, 1440, 2160)),
    job_id       uuid        NOT NULL REFERENCES upgrade_jobs,
    width_px     integer     NOT NULL CHECK (width_px > 0),
    height_px    integer     NOT NULL CHECK (height_px > 0),
    frames       bigint      NOT NULL CHECK (frames > 0),
    duration_ms  bigint      NOT NULL CHECK (duration_ms > 0),
    bytes        bigint      NOT NULL CHECK (bytes > 0),
    bits_per_s   bigint      NOT NULL CHECK (bits_per_s > 0),
    playlist_key text        NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (content_id, rung)
);
