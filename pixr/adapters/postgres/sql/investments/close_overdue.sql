-- Give up an upgrade that was not fully funded in time. No row: somebody has just put in more.
UPDATE fundings
SET state = 'FAILED'
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
  AND state = 'OPEN'
  AND funded_lamports = escrowed_lamports
RETURNING content_id
