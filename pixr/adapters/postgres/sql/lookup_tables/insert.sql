-- A table that is to be created. No row: there is one of that slot.
INSERT INTO lookup_tables (address, recent_slot, created_at)
VALUES (%(address)s, %(recent_slot)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING address
