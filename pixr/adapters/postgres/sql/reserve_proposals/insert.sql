-- Written down before anybody signs it, and again, for nothing, before it is sent.
INSERT INTO reserve_proposals (digest, deed, nonce_account, nonce, proposed_by, proposed_at)
VALUES (%(digest)s, %(deed)s, %(nonce_account)s, %(nonce)s, %(proposed_by)s, %(now)s)
ON CONFLICT DO NOTHING
