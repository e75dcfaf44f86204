-- Everything about one content.
SELECT content_id, creator_id, state, source_key, source_bytes, width_px, height_px, duration_ms,
       frames, has_audio, detail, source_etag, best_rung, manifest_key, analysis_key,
       analysis_sha256, analysis_version, fingerprint_key, sound_key, created_at
FROM contents
WHERE content_id = %(content_id)s
