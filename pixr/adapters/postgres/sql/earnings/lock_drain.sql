-- One drain at a time, so that two cannot both count a viewer's last view of the day.
SELECT pg_advisory_xact_lock(hashtext('drain'), 0)
