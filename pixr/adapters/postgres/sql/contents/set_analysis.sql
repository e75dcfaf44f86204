-- Point at the analysis that another service wrote, the first time it is seen.
UPDATE contents
SET analysis_key = %(analysis_key)s,
    analysis_sha256 = %(analysis_sha256)s
WHERE content_id = %(content_id)s
  AND analysis_key IS NULL
