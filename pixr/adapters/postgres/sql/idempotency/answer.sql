-- Keep the first answer, in the transaction that claimed the key and did the work.
UPDATE idempotency
SET status = %(status)s,
    response = %(response)s::jsonb
WHERE user_id = %(user_id)s
  AND key = %(key)s
  AND status IS NULL
