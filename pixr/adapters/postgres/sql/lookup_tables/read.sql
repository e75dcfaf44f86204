-- What stands in these tables, as far as it may be looked up, in the order of its places.
SELECT table_address AS address, array_agg(address ORDER BY position) AS addresses
FROM lookup_entries
WHERE table_address = ANY(%(addresses)s)
  AND is_usable
GROUP BY table_address
