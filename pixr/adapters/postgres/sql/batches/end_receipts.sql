-- A reclaim that failed no longer holds its receipts; another may empty them.
UPDATE batch_receipts
SET is_live = false
WHERE batch_id = %(batch_id)s
