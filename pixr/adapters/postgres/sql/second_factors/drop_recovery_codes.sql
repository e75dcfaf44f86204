-- Whatever codes there were open nothing any more.
DELETE FROM recovery_codes
WHERE factor_id = %(factor_id)s
