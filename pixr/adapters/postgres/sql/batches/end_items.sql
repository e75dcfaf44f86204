-- The items of a dissolved batch no longer hold their payouts.
UPDATE batch_items
SET is_live = false
WHERE batch_id = %(batch_id)s
