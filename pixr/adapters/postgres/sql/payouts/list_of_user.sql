-- A user's payouts of the given kinds, newest first, older than the cursor where one is given.
SELECT *
FROM carried_payouts
WHERE user_id = %(user_id)s
  AND kind = ANY(%(kinds)s::text[])
  AND (%(before_at)s::timestamptz IS NULL
       OR (created_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
