-- The entries that finalized extensions wrote may be looked up. Returns their tables.
UPDATE lookup_entries
SET is_usable = true
WHERE batch_id = ANY(%(batch_ids)s::uuid[])
  AND is_live
RETURNING table_address
