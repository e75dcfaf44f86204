-- A dissolved batch gives its payouts back to be planned again, in smaller company if its
-- failure named nobody.
UPDATE payouts
SET state = 'PENDING',
    batch_id = NULL,
    payees_max = COALESCE(%(payees_max)s, payees_max)
WHERE batch_id = %(batch_id)s
  AND state = 'RESERVED'
