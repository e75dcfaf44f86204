-- No code is looked at before.
UPDATE second_factor_guards
SET locked_until = %(until)s
WHERE user_id = %(user_id)s
