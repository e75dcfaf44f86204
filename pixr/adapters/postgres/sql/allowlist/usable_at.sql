-- From when on an address is usable for any sum; no row: it is not listed.
SELECT usable_at
FROM allowlist
WHERE user_id = %(user_id)s
  AND destination = %(destination)s
