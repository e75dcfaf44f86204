-- What the settler writes down for others: messages to send, fees seen.

SET LOCAL lock_timeout = '5s';

-- Messages that a committed transaction promised. Sent at least once, in order.
CREATE TABLE outbox (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text        NOT NULL CHECK (topic IN ('upgrade.plan')),
    payload    jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at    timestamptz
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;

-- The priority fee of one slot for the accounts that we write, zero when nobody bid.
CREATE TABLE fee_samples (
    slot                     bigint      PRIMARY KEY CHECK (slot >= 0),
    micro_lamports_per_unit  bigint      NOT NULL CHECK (micro_lamports_per_unit >= 0),
    sampled_at               timestamptz NOT NULL
);
CREATE INDEX fee_samples_by_time ON fee_samples (sampled_at);
