-- Make the partition of a day that is about to be written, if it is missing.
SELECT ensure_view_events_day(%(day)s::date)
