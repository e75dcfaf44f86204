-- Add one drain to what a day of views came to.
INSERT INTO view_days (day, events_new, events_earning)
VALUES (%(day)s, %(events_new)s, %(events_earning)s)
ON CONFLICT (day) DO UPDATE
SET events_new = view_days.events_new + EXCLUDED.events_new,
    events_earning = view_days.events_earning + EXCLUDED.events_earning
