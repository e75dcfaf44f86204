-- A table whose creation failed is never made: its slot is too old by now.
UPDATE lookup_tables
SET state = 'ABANDONED'
WHERE address = %(address)s
  AND state = 'CREATING'
