-- For each of our tables the statement that gives all of its rows as text. Partitions hold what a
-- partitioned table shows.
SELECT oid::regclass::text AS name,
       'COPY ' || oid::regclass || ' TO STDOUT' AS statement
FROM pg_class
WHERE relkind = 'r'
  AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
