-- The owner has shown a code of it.
UPDATE second_factors
SET state = 'ACTIVE',
    confirmed_at = %(now)s
WHERE id = %(factor_id)s
  AND state = 'PENDING'
