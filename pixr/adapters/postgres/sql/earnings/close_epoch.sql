-- The investors of a content have changed: its totals start anew.
UPDATE content_epochs
SET is_open = false
WHERE is_open
  AND content_id = %(content_id)s
