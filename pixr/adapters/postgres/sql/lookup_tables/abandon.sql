-- A table whose creation came to nothing is never made: its slot is too old by now.
UPDATE lookup_tables
SET state = 'ABANDONED'
FROM lookup_entries
WHERE lookup_entries.batch_id = %(batch_id)s
  AND lookup_entries.table_address = lookup_tables.address
  AND lookup_tables.state = 'CREATING'
