-- Why settlement is paused. No row: it is not.
SELECT reason, paused_at
FROM settlement_pause
