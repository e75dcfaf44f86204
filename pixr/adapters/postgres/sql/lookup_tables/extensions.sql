-- What these extensions write: into which table, from which place on, and whom, in order.
SELECT lookup_entries.batch_id, lookup_entries.table_address, lookup_tables.recent_slot,
       min(lookup_entries.position)::integer AS first_position,
       array_agg(lookup_entries.address ORDER BY lookup_entries.position) AS addresses
FROM lookup_entries
JOIN lookup_tables ON lookup_tables.address = lookup_entries.table_address
WHERE lookup_entries.batch_id = ANY(%(batch_ids)s::uuid[])
GROUP BY lookup_entries.batch_id, lookup_entries.table_address, lookup_tables.recent_slot
