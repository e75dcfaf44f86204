-- Forget the rows of a day, keep what they came to, and never take a view of it again. Readers of
-- `view_events` are waited for one second: until the next time, they must not hold up the drains
-- that would queue behind us.
SELECT set_config('lock_timeout', '1s', true), drop_view_events_day(%(day)s::date, %(now)s)
