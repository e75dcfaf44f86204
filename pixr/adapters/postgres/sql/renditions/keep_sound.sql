-- Remember the sound that all renditions of a content share, once: what is published names it.
UPDATE contents
SET sound_key = %(sound_key)s
WHERE content_id = %(content_id)s
  AND sound_key IS NULL
