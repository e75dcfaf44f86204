-- What a key was first used for, and the answer that it got.
SELECT route, body_sha256, status, response
FROM idempotency
WHERE user_id = %(user_id)s
  AND key = %(key)s
