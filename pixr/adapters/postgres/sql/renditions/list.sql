-- What viewers can watch of one content, lowest rung first.
SELECT content_id, rung, job_id, width_px, height_px, frames, duration_ms, bytes, bits_per_s,
       playlist_key, published_at
FROM renditions
WHERE content_id = %(content_id)s
ORDER BY rung
