-- Make the content live, or better: best_rung only rises, whatever order jobs finish in.
UPDATE contents
SET state = 'live',
    best_rung = GREATEST(best_rung, %(rung)s::smallint),
    manifest_key = %(manifest_key)s
WHERE content_id = %(content_id)s
