-- One drain at a time until the transaction ends, so that two cannot both count a viewer's last
-- view of the day; and the empty table for what arrived.
SELECT begin_drain()
