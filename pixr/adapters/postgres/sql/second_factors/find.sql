-- The factor that a user has or is about to have.
SELECT id, state, sealed, enrolled_at
FROM second_factors
WHERE user_id = %(user_id)s
  AND state IN ('PENDING', 'ACTIVE')
