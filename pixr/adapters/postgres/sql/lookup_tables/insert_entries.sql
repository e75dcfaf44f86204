-- Whom an extension writes, and where.
INSERT INTO lookup_entries (batch_id, table_address, position, address)
SELECT %(batch_id)s, %(table_address)s, position, address
FROM unnest(%(positions)s::smallint[], %(addresses)s::text[]) AS entry (position, address)
