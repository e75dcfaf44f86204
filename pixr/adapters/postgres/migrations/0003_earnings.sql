-- From a view to an accrual, and the investments that share in it.

SET LOCAL lock_timeout = '5s';

-- One pass from the Redis stream into this database; its accruals commit with it or not at all.
CREATE TABLE drains (
    id             uuid        PRIMARY KEY,
    events_read    integer     NOT NULL CHECK (events_read >= 0),
    -- First seen here; the rest were repeats.
    events_new     integer     NOT NULL CHECK (events_new BETWEEN 0 AND events_read),
    events_earning integer     NOT NULL CHECK (events_earning BETWEEN 0 AND events_new),
    gross_lamports bigint      NOT NULL CHECK (gross_lamports >= 0),
    drained_at     timestamptz NOT NULL
);
CREATE INDEX drains_by_time ON drains (drained_at);

-- Every view event once. The day is part of the identity because partitions are dropped by
-- day; events older than the youngest dropped day are refused at the door.
CREATE TABLE view_events (
    event_id    text        NOT NULL CHECK (length(event_id) BETWEEN 1 AND 128),
    occurred_on date        NOT NULL,
    content_id  text        NOT NULL,
    viewer_id   text        NOT NULL CHECK (length(viewer_id) BETWEEN 1 AND 128),
    watched_ms  integer     NOT NULL CHECK (watched_ms >= 0),
    occurred_at timestamptz NOT NULL,
    -- 'earned', or why not.
    outcome     text        NOT NULL CHECK (outcome IN
        ('earned', 'unknown_content', 'not_published', 'own_content', 'too_short', 'daily_limit')),
    drain_id    uuid        NOT NULL,
    PRIMARY KEY (event_id, occurred_on)
) PARTITION BY RANGE (occurred_on);
-- "How often has this viewer earned for this content today?"
CREATE INDEX view_events_earned ON view_events (occurred_on, content_id, viewer_id)
    WHERE outcome = 'earned';

CREATE FUNCTION ensure_view_events_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := 'view_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NULL THEN
        -- Two drains may need the same new day at once.
        PERFORM pg_advisory_xact_lock(hashtext('view_events'), 0);
        IF to_regclass(partition) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF view_events FOR VALUES FROM (%L) TO (%L)',
                           partition, day, day + 1);
        END IF;
    END IF;
END $$;

-- What an upgrade costs and how much of it is promised. The price is fixed by the first investor.
CREATE TABLE fundings (
    content_id      text        NOT NULL REFERENCES contents,
    rung            smallint    NOT NULL CHECK (rung IN (480, 720, 1080, 1440, 2160)),
    price_lamports  bigint      NOT NULL CHECK (price_lamports > 0),
    -- Every line of the price, as quoted.
    quote           jsonb       NOT NULL,
    -- Promised, and of that already finalized in escrow.
    funded_lamports   bigint    NOT NULL DEFAULT 0,
    escrowed_lamports bigint    NOT NULL DEFAULT 0,
    state           text        NOT NULL DEFAULT 'OPEN'
        CHECK (state IN ('OPEN', 'FUNDED', 'LIVE', 'FAILED')),
    job_id          uuid        REFERENCES upgrade_jobs,
    opened_at       timestamptz NOT NULL,
    PRIMARY KEY (content_id, rung),
    -- Never over-funded, whoever races for the last lamport.
    CHECK (funded_lamports BETWEEN 0 AND price_lamports),
    CHECK (escrowed_lamports BETWEEN 0 AND funded_lamports),
    CHECK (state = 'OPEN' OR escrowed_lamports = price_lamports OR state = 'FAILED'),
    CHECK ((state IN ('FUNDED', 'LIVE')) <= (job_id IS NOT NULL))
);

CREATE TABLE content_investments (
    id                uuid        PRIMARY KEY,
    content_id        text        NOT NULL,
    rung              smallint    NOT NULL,
    user_id           text        NOT NULL REFERENCES user_wallets,
    lamports          bigint      NOT NULL CHECK (lamports > 0),
    -- RESERVED (in the investor's wallet) → ESCROWED (finalized) → LIVE (earning) ;
    -- REFUNDING → REFUNDED when the upgrade fails; CANCELLED when the transfer never happened.
    state             text        NOT NULL DEFAULT 'RESERVED' CHECK (state IN
        ('RESERVED', 'ESCROWED', 'LIVE', 'REFUNDING', 'REFUNDED', 'CANCELLED')),
    -- Accrued to the investor so far, and where it stops (NULL: no cap).
    returned_lamports   bigint    NOT NULL DEFAULT 0 CHECK (returned_lamports >= 0),
    return_cap_lamports bigint    CHECK (return_cap_lamports > 0),
    created_at        timestamptz NOT NULL,
    live_at           timestamptz,
    FOREIGN KEY (content_id, rung) REFERENCES fundings,
    CHECK ((state = 'LIVE') = (live_at IS NOT NULL)),
    CHECK (return_cap_lamports IS NULL OR returned_lamports <= return_cap_lamports)
);
CREATE INDEX content_investments_by_content ON content_investments (content_id, rung);
CREATE INDEX content_investments_by_user ON content_investments (user_id, created_at DESC);

-- Running totals of a content's split. A change of the investors or of a share opens a new
-- epoch with totals at zero, so that every share is a floor of one cumulative total.
CREATE TABLE content_epochs (
    content_id        text        NOT NULL REFERENCES contents,
    epoch             integer     NOT NULL CHECK (epoch > 0),
    platform_fee_bps  integer     NOT NULL CHECK (platform_fee_bps BETWEEN 0 AND 10000),
    investor_share_bps integer    NOT NULL CHECK (investor_share_bps BETWEEN 0 AND 10000),
    gross_lamports    bigint      NOT NULL DEFAULT 0 CHECK (gross_lamports >= 0),
    platform_lamports bigint      NOT NULL DEFAULT 0 CHECK (platform_lamports >= 0),
    investor_lamports bigint      NOT NULL DEFAULT 0 CHECK (investor_lamports >= 0),
    is_open           boolean     NOT NULL DEFAULT true,
    opened_at         timestamptz NOT NULL,
    PRIMARY KEY (content_id, epoch),
    CHECK (platform_fee_bps + investor_share_bps <= 10000),
    CHECK (platform_lamports + investor_lamports <= gross_lamports)
);
CREATE UNIQUE INDEX content_epochs_one_open ON content_epochs (content_id) WHERE is_open;

-- Each investment's part within an epoch.
CREATE TABLE epoch_shares (
    content_id    text    NOT NULL,
    epoch         integer NOT NULL,
    investment_id uuid    NOT NULL REFERENCES content_investments,
    lamports      bigint  NOT NULL DEFAULT 0 CHECK (lamports >= 0),
    PRIMARY KEY (content_id, epoch, investment_id),
    FOREIGN KEY (content_id, epoch) REFERENCES content_epochs
);
