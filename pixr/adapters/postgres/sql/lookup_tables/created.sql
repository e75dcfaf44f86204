-- The tables whose creation is final.
UPDATE lookup_tables
SET state = 'USABLE'
WHERE address = ANY(%(addresses)s)
  AND state = 'CREATING'
