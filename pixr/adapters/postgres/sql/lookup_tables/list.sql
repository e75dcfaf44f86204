-- Every table that is used or may be again, oldest first, with its usable entries in their order,
-- and how many places are taken.
SELECT lookup_tables.address, lookup_tables.recent_slot, lookup_tables.state,
       COALESCE(array_agg(lookup_entries.address ORDER BY lookup_entries.position)
                FILTER (WHERE lookup_entries.is_usable), '{}') AS addresses,
       count(lookup_entries.address)::integer AS entries
FROM lookup_tables
LEFT JOIN lookup_entries ON lookup_entries.table_address = lookup_tables.address
                        AND lookup_entries.is_live
WHERE lookup_tables.state IN ('USABLE', 'DOUBTED')
GROUP BY lookup_tables.address
ORDER BY lookup_tables.created_at, lookup_tables.address
LIMIT %(limit)s
