-- What the last look at a table on chain says against it; NULL: nothing.
UPDATE lookup_tables
SET state = CASE WHEN %(doubt)s::text IS NULL THEN 'USABLE' ELSE 'DOUBTED' END,
    doubt = %(doubt)s::text
WHERE address = %(address)s
  AND state IN ('USABLE', 'DOUBTED')
  AND doubt IS DISTINCT FROM %(doubt)s::text
