-- Until when a user's withdrawals are frozen; no row, or NULL: they are not.
SELECT frozen_until
FROM second_factor_guards
WHERE user_id = %(user_id)s
