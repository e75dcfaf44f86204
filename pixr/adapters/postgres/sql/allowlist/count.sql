-- How many addresses a user has listed.
SELECT count(*) AS listed
FROM allowlist
WHERE user_id = %(user_id)s
