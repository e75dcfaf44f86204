-- Record a verified rendition. A job that makes a rung anew takes the place of the old one.
INSERT INTO renditions (content_id, rung, job_id, width_px, height_px, frames, duration_ms,
                        bytes, bits_per_s, playlist_key, published_at)
VALUES (%(content_id)s, %(rung)s, %(job_id)s, %(width_px)s, %(height_px)s, %(frames)s,
        %(duration_ms)s, %(bytes)s, %(bits_per_s)s, %(playlist_key)s, %(now)s)
ON CONFLICT (content_id, rung) DO UPDATE
SET job_id = EXCLUDED.job_id,
    width_px = EXCLUDED.width_px,
    height_px = EXCLUDED.height_px,
    frames = EXCLUDED.frames,
    duration_ms = EXCLUDED.duration_ms,
    bytes = EXCLUDED.bytes,
    bits_per_s = EXCLUDED.bits_per_s,
    playlist_key = EXCLUDED.playlist_key,
    published_at = EXCLUDED.published_at
