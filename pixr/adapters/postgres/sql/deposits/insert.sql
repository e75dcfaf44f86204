-- Money that came from outside. No row: it is known already.
INSERT INTO deposits (signature, account, lamports, slot, observed_at)
VALUES (%(signature)s, %(account)s, %(lamports)s, %(slot)s, %(now)s)
ON CONFLICT (signature, account) DO NOTHING
RETURNING signature
