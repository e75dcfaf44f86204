-- Lock a user's guard until the transaction ends, made at first: guesses queue up here.
INSERT INTO second_factor_guards (user_id)
VALUES (%(user_id)s)
ON CONFLICT (user_id) DO UPDATE SET user_id = EXCLUDED.user_id
RETURNING locked_until, frozen_until
