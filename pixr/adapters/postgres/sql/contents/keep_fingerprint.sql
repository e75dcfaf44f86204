-- Remember what tells the accepted source from others.
UPDATE contents
SET fingerprint_key = %(fingerprint_key)s
WHERE content_id = %(content_id)s
  AND source_key = %(source_key)s
