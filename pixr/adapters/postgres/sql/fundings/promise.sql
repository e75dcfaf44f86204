-- Promise a sum to an upgrade, unless that is more than is open. Two investors who race for the
-- last lamport queue up here for the row; the second one sees what the first has left.
UPDATE fundings
SET funded_lamports = funded_lamports + %(lamports)s
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
  AND state = 'OPEN'
  AND %(lamports)s <= price_lamports - funded_lamports
RETURNING price_lamports, funded_lamports
