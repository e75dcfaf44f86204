-- The rest of the settlement engine: rent taken back, batches that bisect, a pause, one chain.

SET LOCAL lock_timeout = '5s';

-- A reclaim takes the rent back out of receipts. It pays nobody, so it needs no receipt of its
-- own: repeated, it finds them empty and fails whole.
ALTER TABLE batches
    DROP CONSTRAINT batches_kind_check,
    ADD CONSTRAINT batches_kind_check CHECK (kind IN
        ('earnings', 'withdrawal', 'investment', 'refund', 'release', 'reclaim')),
    ALTER COLUMN receipt_address DROP NOT NULL,
    ALTER COLUMN merkle_root DROP NOT NULL,
    ADD CONSTRAINT batches_payments_have_receipts
        CHECK ((kind = 'reclaim') = (receipt_address IS NULL)
               AND (kind = 'reclaim') = (merkle_root IS NULL)),
    ADD CONSTRAINT batches_reclaims_lock_nothing
        CHECK (kind <> 'reclaim' OR receipt_state = 'NONE'),
    -- The receipt's seed as it stands on chain, for a batch that was read back from there; for
    -- all others it follows from the id.
    ADD COLUMN receipt_seed text CHECK (length(receipt_seed) BETWEEN 1 AND 32),
    -- When a locked receipt was looked for last and was not on chain: others are reclaimed first.
    ADD COLUMN receipt_missed_at timestamptz;
-- "Which rent may be taken back?"
CREATE INDEX batches_locked ON batches (closed_at) WHERE receipt_state = 'LOCKED';

-- Which receipts a reclaim empties, in the order of its instructions.
CREATE TABLE batch_receipts (
    batch_id      uuid    NOT NULL REFERENCES batches,
    position      integer NOT NULL CHECK (position >= 0),
    paid_batch_id uuid    NOT NULL REFERENCES batches,
    -- What stood in it when the reclaim was signed: the rent, and whatever somebody sent there.
    lamports      bigint  NOT NULL DEFAULT 890880 CHECK (lamports >= 890880),
    -- False once the reclaim failed.
    is_live       boolean NOT NULL DEFAULT true,
    PRIMARY KEY (batch_id, position)
);
-- A receipt is emptied by one reclaim at a time.
CREATE UNIQUE INDEX batch_receipts_one_live ON batch_receipts (paid_batch_id) WHERE is_live;

-- After a failure that names nobody the payouts travel in smaller company, down to alone.
ALTER TABLE payouts ADD COLUMN payees_max smallint CHECK (payees_max BETWEEN 1 AND 64);

-- "How much was signed lately?", asked before every signature.
CREATE INDEX transactions_by_signing ON transactions (signed_at);

-- While this row exists the settler plans and signs nothing; it goes on draining and looking.
CREATE TABLE settlement_pause (
    id        smallint    PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    reason    text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    paused_at timestamptz NOT NULL
);

-- Nor may anybody else: a settler of an older version does not know the row above, but it cannot
-- store what it signed, and nobody sends what is not stored.
CREATE FUNCTION settlement_is_paused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM settlement_pause) AND EXISTS (SELECT 1 FROM fresh WHERE state = 'SIGNED')
    THEN
        RAISE EXCEPTION 'settlement is paused: nothing is signed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transactions_not_while_paused AFTER INSERT ON transactions
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_is_paused();

-- The one chain that this database speaks of, pinned at the first tick.
CREATE TABLE chain_identity (
    id           smallint    PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    genesis_hash text        NOT NULL CHECK (length(genesis_hash) BETWEEN 32 AND 44),
    network      text        NOT NULL,
    pinned_at    timestamptz NOT NULL
);

CREATE OR REPLACE FUNCTION settlement_edges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = NEW.state THEN
        RETURN NEW;
    END IF;
    IF (TG_TABLE_NAME, OLD.state, NEW.state) NOT IN (
        ('payouts', 'PENDING', 'RESERVED'), ('payouts', 'RESERVED', 'PAID'),
        ('payouts', 'RESERVED', 'PENDING'), ('payouts', 'RESERVED', 'QUARANTINED'),
        -- A person's word, for money that is still reserved.
        ('payouts', 'QUARANTINED', 'PENDING'),
        ('batches', 'PLANNED', 'SIGNED'), ('batches', 'SIGNED', 'INFLIGHT'),
        ('batches', 'SIGNED', 'FINALIZED'), ('batches', 'INFLIGHT', 'FINALIZED'),
        ('batches', 'SIGNED', 'PLANNED'), ('batches', 'INFLIGHT', 'PLANNED'),
        ('batches', 'SIGNED', 'FAILED'), ('batches', 'INFLIGHT', 'FAILED'),
        ('batches', 'PLANNED', 'FAILED'),
        ('batches', 'SIGNED', 'HOLD'), ('batches', 'INFLIGHT', 'HOLD'),
        ('batches', 'PLANNED', 'HOLD'),
        ('batches', 'HOLD', 'INFLIGHT'), ('batches', 'HOLD', 'FAILED'),
        ('batches', 'HOLD', 'FINALIZED'),
        ('transactions', 'SIGNED', 'INFLIGHT'), ('transactions', 'SIGNED', 'LANDED'),
        ('transactions', 'SIGNED', 'FAILED'), ('transactions', 'SIGNED', 'EXPIRED'),
        ('transactions', 'INFLIGHT', 'LANDED'), ('transactions', 'INFLIGHT', 'FAILED'),
        ('transactions', 'INFLIGHT', 'EXPIRED'),
        -- Should the chain ever contradict a proof of expiry, the chain is right.
        ('transactions', 'EXPIRED', 'LANDED')
    ) THEN
        RAISE EXCEPTION '%: no way from % to %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
