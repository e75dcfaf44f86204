-- The days that have a partition, oldest first, and what day it is by the database's own clock.
SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day,
       (now() AT TIME ZONE 'UTC')::date AS today
FROM pg_inherits
JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'view_events'::regclass
  AND relname ~ '^view_events_[0-9]{8}$'
ORDER BY day
