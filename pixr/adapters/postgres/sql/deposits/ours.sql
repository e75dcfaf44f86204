-- Which of these signatures are attempts of our own.
SELECT signature
FROM transactions
WHERE signature = ANY(%(signatures)s::text[])
