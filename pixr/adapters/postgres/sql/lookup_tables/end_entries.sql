-- An extension that failed wrote nobody.
UPDATE lookup_entries
SET is_live = false,
    is_usable = false
WHERE batch_id = %(batch_id)s
