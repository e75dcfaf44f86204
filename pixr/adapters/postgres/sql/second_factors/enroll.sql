-- A factor whose secret was just shown.
INSERT INTO second_factors (id, user_id, sealed, enrolled_at)
VALUES (%(factor_id)s, %(user_id)s, %(sealed)s, %(now)s)
