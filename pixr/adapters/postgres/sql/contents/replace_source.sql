-- Let a better source of the same film take the present one's place, and accept its upload. No row:
-- another source has taken it meanwhile.
WITH replaced AS (
    UPDATE contents
    SET source_key = %(source_key)s,
        source_bytes = %(source_bytes)s,
        source_etag = %(source_etag)s,
        width_px = %(width_px)s,
        height_px = %(height_px)s,
        duration_ms = %(duration_ms)s,
        frames = %(frames)s,
        has_audio = %(has_audio)s,
        detail = %(detail)s::jsonb,
        fingerprint_key = %(fingerprint_key)s
    WHERE content_id = %(content_id)s
      AND source_key = %(present_key)s
    RETURNING content_id
), accepted AS (
    UPDATE uploads
    SET state = 'accepted'
    FROM replaced
    WHERE uploads.object_key = %(source_key)s
      AND uploads.state = 'expected'
)
SELECT content_id
FROM replaced
