-- The reserve that people hold together, and the settler's wish for more from it.

SET LOCAL lock_timeout = '5s';

-- One row for each group of members. Written down before anything of it stands on chain, so that
-- whoever was stopped halfway goes on with the same accounts.
CREATE TABLE reserves (
    multisig      text        PRIMARY KEY CHECK (length(multisig) BETWEEN 32 AND 44),
    -- The wrapped SOL itself; a rotation hands it from one multisig to the next.
    token_account text        NOT NULL CHECK (length(token_account) BETWEEN 32 AND 44),
    members       text[]      NOT NULL CHECK (cardinality(members) BETWEEN 2 AND 11),
    threshold     smallint    NOT NULL,
    state         text        NOT NULL DEFAULT 'PLANNED' CHECK (state IN
        ('PLANNED', 'LIVE', 'RETIRED', 'ABANDONED')),
    planned_at    timestamptz NOT NULL,
    live_at       timestamptz,
    retired_at    timestamptz,
    -- One signature must never be enough, and no member may be needless.
    CHECK (threshold BETWEEN 2 AND cardinality(members)),
    CHECK (multisig <> token_account),
    CHECK ((state IN ('LIVE', 'RETIRED')) = (live_at IS NOT NULL)),
    CHECK ((state = 'RETIRED') = (retired_at IS NOT NULL))
);
-- There is one reserve, and at most one that is to follow it.
CREATE UNIQUE INDEX reserves_live ON reserves ((true)) WHERE state = 'LIVE';
CREATE UNIQUE INDEX reserves_planned ON reserves ((true)) WHERE state = 'PLANNED';

-- What members were asked to sign. Whether it can still land is on chain: while the nonce account
-- holds that nonce, and no longer.
CREATE TABLE reserve_proposals (
    -- SHA-256 of the message, in hexadecimal.
    digest        text        PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    deed          text        NOT NULL CHECK (length(deed) BETWEEN 1 AND 1000),
    nonce_account text        NOT NULL CHECK (length(nonce_account) BETWEEN 32 AND 44),
    nonce         text        NOT NULL CHECK (length(nonce) BETWEEN 32 AND 44),
    proposed_by   text        NOT NULL CHECK (length(proposed_by) BETWEEN 1 AND 128),
    proposed_at   timestamptz NOT NULL,
    -- Set when it is final on chain.
    signature     text        UNIQUE
);
CREATE INDEX reserve_proposals_open ON reserve_proposals (proposed_at) WHERE signature IS NULL;

-- The hot treasury was below its float. A person answers with `pixr treasury refill`; the
-- settler closes the request when the balance is back, wherever the money came from.
CREATE TABLE refill_requests (
    id               bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    opened_at        timestamptz NOT NULL,
    float_lamports   bigint      NOT NULL CHECK (float_lamports > 0),
    -- What it held when it was opened.
    balance_lamports bigint      NOT NULL CHECK (balance_lamports >= 0),
    closed_at        timestamptz CHECK (closed_at >= opened_at),
    CHECK (balance_lamports < float_lamports)
);
-- One wish at a time.
CREATE UNIQUE INDEX refill_requests_open ON refill_requests ((true)) WHERE closed_at IS NULL;
