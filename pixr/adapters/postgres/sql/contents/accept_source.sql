-- Take this source as the content's only one. Returns no row when another source was accepted
-- before; the same source again changes nothing and returns its row.
UPDATE contents
SET source_key = %(source_key)s,
    source_bytes = %(source_bytes)s,
    width_px = %(width_px)s,
    height_px = %(height_px)s,
    duration_ms = %(duration_ms)s,
    frames = %(frames)s,
    has_audio = %(has_audio)s
WHERE content_id = %(content_id)s
  AND (source_key IS NULL OR source_key = %(source_key)s)
RETURNING content_id
