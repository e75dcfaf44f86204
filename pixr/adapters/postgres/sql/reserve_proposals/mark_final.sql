-- It is final. Returns nothing where that was written down before.
UPDATE reserve_proposals SET signature = %(signature)s
WHERE digest = %(digest)s AND signature IS NULL
RETURNING digest
