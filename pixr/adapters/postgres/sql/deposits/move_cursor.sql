-- Everything up to this signature is in the ledger, if nobody moved the cursor meanwhile.
-- No row: somebody did, and what was walked here must be dropped.
INSERT INTO deposit_cursors (address, signature, walked_at)
VALUES (%(address)s, %(signature)s, %(now)s)
ON CONFLICT (address) DO UPDATE
SET signature = EXCLUDED.signature,
    walked_at = EXCLUDED.walked_at
WHERE deposit_cursors.signature = %(expected)s
RETURNING address
