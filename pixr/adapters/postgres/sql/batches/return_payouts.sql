-- A dissolved batch gives its payouts back to be planned again.
UPDATE payouts
SET state = 'PENDING',
    batch_id = NULL
WHERE batch_id = %(batch_id)s
  AND state = 'RESERVED'
