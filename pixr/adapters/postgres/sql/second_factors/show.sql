-- What a user is told of their own second factor; always one row.
SELECT
    EXISTS (SELECT FROM second_factors
            WHERE user_id = %(user_id)s AND state = 'ACTIVE') AS is_enrolled,
    (SELECT count(*)
     FROM recovery_codes
     JOIN second_factors ON second_factors.id = recovery_codes.factor_id
     WHERE second_factors.user_id = %(user_id)s
       AND second_factors.state = 'ACTIVE'
       AND recovery_codes.used_at IS NULL) AS recovery_codes_left,
    (SELECT frozen_until
     FROM second_factor_guards
     WHERE user_id = %(user_id)s
       AND frozen_until > %(now)s) AS frozen_until
