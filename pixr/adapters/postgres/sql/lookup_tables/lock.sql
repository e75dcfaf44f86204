-- One planner of extensions at a time, until its transaction ends.
SELECT pg_advisory_xact_lock(hashtext('lookup_tables'), 0)
