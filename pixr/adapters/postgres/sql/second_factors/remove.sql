-- Forget the secret; the row stays, to say when.
UPDATE second_factors
SET state = 'REMOVED',
    sealed = NULL,
    removed_at = %(now)s
WHERE id = %(factor_id)s
  AND state IN ('PENDING', 'ACTIVE')
