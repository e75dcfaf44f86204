-- Which of these signatures the ledger has: attempts of our own, and money that came to the account.
SELECT signature
FROM transactions
WHERE signature = ANY(%(signatures)s::text[])
UNION
SELECT signature
FROM deposits
WHERE signature = ANY(%(signatures)s::text[])
  AND account = %(account)s
