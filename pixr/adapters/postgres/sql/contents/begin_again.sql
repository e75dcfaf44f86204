-- Take down what was made of a source that began elsewhere, its sound included, and point at the
-- version of the analysis that fits the new one.
WITH taken_down AS (
    DELETE FROM renditions
    WHERE content_id = %(content_id)s
)
UPDATE contents
SET sound_key = NULL,
    analysis_key = %(analysis_key)s,
    analysis_sha256 = %(analysis_sha256)s,
    analysis_version = analysis_version + 1
WHERE content_id = %(content_id)s
