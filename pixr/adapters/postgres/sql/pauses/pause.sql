-- Pause settlement. The first reason stays: it is what must be mended. No row: it was paused.
INSERT INTO settlement_pause (reason, paused_at)
VALUES (%(reason)s, %(now)s)
ON CONFLICT (id) DO NOTHING
RETURNING reason
