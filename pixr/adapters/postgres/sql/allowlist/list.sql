-- A user's addresses, newest first, older than the cursor where one is given.
SELECT destination, label, added_at, usable_at
FROM allowlist
WHERE user_id = %(user_id)s
  AND (%(before_at)s::timestamptz IS NULL
       OR (added_at, destination COLLATE "C")
          < (%(before_at)s::timestamptz, %(before_key)s::text COLLATE "C"))
ORDER BY added_at DESC, destination COLLATE "C" DESC
LIMIT %(limit)s
