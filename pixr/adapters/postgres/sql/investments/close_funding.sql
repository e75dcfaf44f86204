-- Decide a funding. No row: it was decided before.
UPDATE fundings
SET state = %(state)s
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
  AND state = 'FUNDED'
RETURNING content_id
