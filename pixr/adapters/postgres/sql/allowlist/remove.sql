-- Take an address off the list. No row: it was not there.
DELETE FROM allowlist
WHERE user_id = %(user_id)s
  AND destination = %(destination)s
RETURNING destination
