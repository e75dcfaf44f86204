-- Nothing is withdrawn before; a freeze is never made shorter.
UPDATE second_factor_guards
SET frozen_until = GREATEST(frozen_until, %(until)s::timestamptz)
WHERE user_id = %(user_id)s
