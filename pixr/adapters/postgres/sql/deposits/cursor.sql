-- The last signature of an address that is in the ledger. No row: never walked.
SELECT signature
FROM deposit_cursors
WHERE address = %(address)s
