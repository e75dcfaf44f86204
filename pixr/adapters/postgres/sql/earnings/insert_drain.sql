-- What one drain read and found.
INSERT INTO drains (id, events_read, events_new, events_earning, gross_lamports, drained_at)
VALUES (%(drain_id)s, %(events_read)s, %(events_new)s, %(events_earning)s, %(gross_lamports)s,
        %(now)s)
