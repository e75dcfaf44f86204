-- A better source that begins earlier or later: its analysis is a new version, moved along.

SET LOCAL lock_timeout = '5s';

ALTER TABLE upgrade_jobs
    -- {"manifest_key", "parts": {key: SHA-256}, "changes", "uncovered_ms"} of the version that its
    -- source made necessary. The one before stays as it was: analysis_before and analysis_after are about that.
    ADD COLUMN analysis_moved jsonb CHECK (jsonb_typeof(analysis_moved) = 'object'),
    -- Only a source that was compared moves an analysis, and only when its film is shown.
    ADD CONSTRAINT upgrade_jobs_moved CHECK (
        analysis_moved IS NULL
        OR (kind = 'source' AND state = 'PUBLISHED' AND analysis_before IS NOT NULL));
