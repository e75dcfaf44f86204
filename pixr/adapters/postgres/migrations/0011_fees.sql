-- Why money moved in one minute and not in another: each decision, and all it was made from.

SET LOCAL lock_timeout = '5s';

-- Kept for 30 days. Making a decision again from its inputs gives the same one, or the rules
-- have changed.
CREATE TABLE fee_decisions (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decided_at        timestamptz NOT NULL,
    -- The version of the rules that decided.
    policy            integer     NOT NULL CHECK (policy > 0),
    -- Prices seen, the trailing percentile, how many waited and how long.
    inputs            jsonb       NOT NULL CHECK (jsonb_typeof(inputs) = 'object'),
    is_payday         boolean     NOT NULL,
    reason            text        NOT NULL CHECK (reason IN
        ('full', 'deadline', 'cheap', 'wait', 'nothing')),
    -- How many of the oldest were to be paid.
    payouts_now       integer     NOT NULL CHECK (payouts_now >= 0),
    bid_percent       integer     NOT NULL CHECK (bid_percent IN (50, 75, 95)),
    -- Micro-lamports per unit, before the caps of each transaction.
    bid_price         bigint      NOT NULL CHECK (bid_price >= 0),
    -- What came of it: transactions planned, and the most that their fees may be.
    transactions      integer     NOT NULL CHECK (transactions >= 0),
    fee_lamports_max  bigint      NOT NULL CHECK (fee_lamports_max >= 0),
    CHECK (is_payday = (reason IN ('full', 'deadline', 'cheap'))),
    CHECK (is_payday = (payouts_now > 0))
);
CREATE INDEX fee_decisions_by_time ON fee_decisions (decided_at);
