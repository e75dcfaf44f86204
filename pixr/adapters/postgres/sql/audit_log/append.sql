-- One line of the audit log. The trigger numbers and chains it, and holds the chain's lock until
-- the transaction ends: append last.
INSERT INTO audit_log (at, actor, action, subject, detail)
VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s::jsonb)
