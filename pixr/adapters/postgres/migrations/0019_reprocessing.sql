-- Reprocessing: what a source really carries, how a job is made, how far it is, and what it cost.

SET LOCAL lock_timeout = '5s';

ALTER TABLE contents
    -- Which version of the source was accepted.
    ADD COLUMN source_etag      text,
    -- {"rung": centidecibels}: PSNR-Y of a round trip through the rung below, on samples. Much means
    -- that the rung would show nothing new. A rung that was not measured is missing.
    ADD COLUMN detail           jsonb       CHECK (jsonb_typeof(detail) = 'object'),
    -- Frame hashes and sound of the source, for the sameness check of a better one.
    ADD COLUMN fingerprint_key  text,
    -- The one sound that all renditions share; NULL: there is none, or it was made before sound
    -- was kept apart and is in each rendition.
    ADD COLUMN sound_key        text,
    -- Counts up when the time codes of the analysis were moved.
    ADD COLUMN analysis_version integer     NOT NULL DEFAULT 1 CHECK (analysis_version > 0);
UPDATE contents
SET source_etag = job.source_etag
FROM upgrade_jobs AS job
WHERE job.content_id = contents.content_id
  AND job.source_key = contents.source_key
  AND job.kind = 'base';

ALTER TABLE uploads
    -- S3's name of a multipart upload that is under way or was completed.
    ADD COLUMN multipart_id text,
    ADD COLUMN bytes        bigint  CHECK (bytes > 0),
    ADD COLUMN part_bytes   bigint  CHECK (part_bytes > 0),
    ADD CONSTRAINT uploads_multipart CHECK (
        (multipart_id IS NULL) = (part_bytes IS NULL)
        AND (multipart_id IS NULL OR bytes IS NOT NULL));

ALTER TABLE upgrade_jobs
    DROP CONSTRAINT upgrade_jobs_kind_check,
    DROP CONSTRAINT upgrade_jobs_state_check,
    -- 'source' compares a better source with the old one and takes its place.
    ADD CONSTRAINT upgrade_jobs_kind_check CHECK (kind IN ('base', 'funded', 'source')),
    -- 'TUNING': planned, its quality is being searched on samples. 'CONVERTING': MediaConvert
    -- makes it.
    ADD CONSTRAINT upgrade_jobs_state_check CHECK (state IN (
        'QUEUED', 'TUNING', 'ENCODING', 'CONVERTING', 'ASSEMBLING',
        'PUBLISHED', 'REJECTED', 'FAILED')),
    ADD COLUMN frames_total  bigint      CHECK (frames_total > 0),
    ADD COLUMN frames_done   bigint      NOT NULL DEFAULT 0 CHECK (frames_done >= 0),
    -- The search for the quality: {"crf": …, "target": …, "tried": {crf: vmaf}, "cpu_ms": …}.
    ADD COLUMN tuning        jsonb,
    ADD COLUMN way           text        NOT NULL DEFAULT 'chunks'
        CHECK (way IN ('chunks', 'mediaconvert')),
    -- Why it does not go the usual way.
    ADD COLUMN way_reason    text,
    ADD COLUMN converter_job text,
    -- The verdict and figures of comparing its source with the one before.
    ADD COLUMN sameness      jsonb,
    -- What it was thought to cost and what it did: {"vcpu_ms", "megapixels", "bytes", "usd"}.
    ADD COLUMN estimate      jsonb,
    ADD COLUMN actual        jsonb,
    ADD COLUMN bytes_read    bigint      NOT NULL DEFAULT 0 CHECK (bytes_read >= 0),
    -- When it last came further, and how often it had to be pushed since.
    ADD COLUMN moved_at      timestamptz,
    ADD COLUMN restarts      integer     NOT NULL DEFAULT 0 CHECK (restarts >= 0),
    ADD CONSTRAINT upgrade_jobs_frames CHECK (frames_done <= COALESCE(frames_total, 0)),
    ADD CONSTRAINT upgrade_jobs_way CHECK ((way = 'chunks') = (way_reason IS NULL)),
    ADD CONSTRAINT upgrade_jobs_converted CHECK (way = 'mediaconvert' OR converter_job IS NULL);
UPDATE upgrade_jobs
SET moved_at = created_at,
    frames_total = (settings ->> 'frames')::bigint,
    frames_done = (
        SELECT COALESCE(sum(frame_count), 0)
        FROM upgrade_chunks
        WHERE job_id = upgrade_jobs.id AND upgrade_chunks.state = 'DONE');
ALTER TABLE upgrade_jobs ALTER COLUMN moved_at SET NOT NULL;

DROP INDEX upgrade_jobs_one_per_upload;
CREATE UNIQUE INDEX upgrade_jobs_one_per_upload ON upgrade_jobs (upload_id)
    WHERE kind IN ('base', 'source');
DROP INDEX upgrade_jobs_one_live_per_rung;
CREATE UNIQUE INDEX upgrade_jobs_one_live_per_rung ON upgrade_jobs (content_id, rung)
    WHERE closed_at IS NULL;
DROP INDEX upgrade_jobs_live;
CREATE INDEX upgrade_jobs_live ON upgrade_jobs (moved_at) WHERE closed_at IS NULL;

ALTER TABLE upgrade_chunks
    ADD COLUMN bytes_read  bigint NOT NULL DEFAULT 0 CHECK (bytes_read >= 0),
    -- Frame hashes of its part of the source, four a second; see pixr/domain/sameness.py.
    ADD COLUMN samples     bytea;
