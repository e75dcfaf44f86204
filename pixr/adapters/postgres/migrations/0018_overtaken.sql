-- A waiting payout whose accruals turned out to be paid already, in part, in a time that a restored
-- database had forgotten: it gives them back, and is never paid.

SET LOCAL lock_timeout = '5s';

-- It holds no reservation and no accruals, and keeps its amount: a dissolved batch's root still
-- stands for it.
ALTER TABLE payouts
    ADD COLUMN overtaken_at timestamptz,
    ADD CONSTRAINT payouts_overtaken CHECK (
        overtaken_at IS NULL OR (state = 'QUARANTINED' AND kind IN ('earnings', 'return')));
