-- A recovery code works once. No row: it is none of this factor's, or was used.
UPDATE recovery_codes
SET used_at = %(now)s
WHERE factor_id = %(factor_id)s
  AND digest = %(digest)s
  AND used_at IS NULL
RETURNING digest
