-- Upgrade jobs for a person to look at: the open ones, those that stand still longest first, and
-- behind them, when asked for, the closed ones, the newest first.
SELECT id, content_id, rung, kind, state, reason, frames_done, frames_total, way, moved_at, restarts,
       closed_at
FROM upgrade_jobs
WHERE closed_at IS NULL
   OR %(is_all)s
ORDER BY closed_at DESC NULLS FIRST, moved_at, id
LIMIT %(limit)s
