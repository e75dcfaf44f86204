-- Take this source as the content's only one. Returns no row when another source was accepted
-- and is in use: it was published, a job is at work on it, or investors have put money into an upgrade
-- at a price that was made of its length. The same source again changes nothing and returns its row.
UPDATE contents
SET source_key = %(source_key)s,
    source_bytes = %(source_bytes)s,
    width_px = %(width_px)s,
    height_px = %(height_px)s,
    duration_ms = %(duration_ms)s,
    frames = %(frames)s,
    has_audio = %(has_audio)s,
    source_etag = %(source_etag)s,
    detail = %(detail)s::jsonb
WHERE content_id = %(content_id)s
  AND (source_key IS NULL
       OR source_key = %(source_key)s
       OR (state = 'awaiting'
           AND NOT EXISTS (
               SELECT FROM upgrade_jobs
               WHERE upgrade_jobs.content_id = contents.content_id
                 AND upgrade_jobs.source_key = contents.source_key
                 AND upgrade_jobs.closed_at IS NULL)
           AND NOT EXISTS (
               SELECT FROM fundings
               WHERE fundings.content_id = contents.content_id
                 AND fundings.state IN ('OPEN', 'FUNDED')
                 AND fundings.funded_lamports > 0)))
RETURNING content_id
