-- List an address. No row: it is listed already, and its date stays.
INSERT INTO allowlist (user_id, destination, label, added_at, usable_at)
VALUES (%(user_id)s, %(destination)s, %(label)s, %(now)s, %(usable_at)s)
ON CONFLICT (user_id, destination) DO NOTHING
RETURNING destination
