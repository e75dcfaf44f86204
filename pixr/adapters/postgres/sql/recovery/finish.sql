-- The open recovery ended clean.
UPDATE recoveries
SET finished_at = %(now)s
WHERE finished_at IS NULL
