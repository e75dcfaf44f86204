-- An enrolment that another one replaces protected nothing and leaves no row: whoever enrols again
-- and again must not fill the table.
DELETE FROM second_factors
WHERE id = %(factor_id)s
  AND state = 'PENDING'
