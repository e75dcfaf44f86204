-- Count an investment as arrived; tells whether the upgrade is now paid for in full.
UPDATE fundings
SET escrowed_lamports = escrowed_lamports + %(lamports)s
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
RETURNING escrowed_lamports = price_lamports AS is_full
