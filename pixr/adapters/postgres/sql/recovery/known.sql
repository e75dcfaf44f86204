-- What the database knows of these signatures: the state of an attempt of ours with its batch, or
-- 'DEPOSIT' for money that came to the treasury. No row: it never heard of it.
SELECT signature, state, batch_id
FROM transactions
WHERE signature = ANY(%(signatures)s::text[])
UNION ALL
SELECT signature, 'DEPOSIT', NULL
FROM deposits
WHERE signature = ANY(%(signatures)s::text[])
  AND account = %(account)s
