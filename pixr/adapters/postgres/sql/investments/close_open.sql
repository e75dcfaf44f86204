-- Give up an upgrade that has not begun. No row: it has, or somebody has just put in more.
UPDATE fundings
SET state = 'FAILED'
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
  AND state = 'OPEN'
  AND funded_lamports = escrowed_lamports
RETURNING content_id
