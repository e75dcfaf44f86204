-- Go on settling. No row: it was not paused.
DELETE FROM settlement_pause
RETURNING reason, paused_at
