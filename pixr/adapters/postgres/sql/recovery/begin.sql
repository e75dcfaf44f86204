-- Begin a recovery. No row: one is open.
INSERT INTO recoveries (id, anchor_signature, anchor_slot, begun_at)
VALUES (%(id)s, %(anchor_signature)s, %(anchor_slot)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING id
