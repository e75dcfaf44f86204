-- Payouts, batches, attempts: how a lamport is paid exactly once.
--
--   payout   PENDING → RESERVED → PAID          (back to PENDING when its batch dissolves)
--                          └→ QUARANTINED
--   batch    PLANNED → SIGNED → INFLIGHT → FINALIZED
--                                  ├→ PLANNED (proof of expiry; the next attempt, same receipt)
--                                  ├→ FAILED  (finalized with an error: dissolved)
--                                  └→ HOLD    (no proof either way: a person decides)
--   attempt  SIGNED → INFLIGHT → LANDED | FAILED | EXPIRED

SET LOCAL lock_timeout = '5s';

CREATE TABLE batches (
    id                uuid        PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN
        ('earnings', 'withdrawal', 'investment', 'refund', 'release')),
    state             text        NOT NULL DEFAULT 'PLANNED' CHECK (state IN
        ('PLANNED', 'SIGNED', 'INFLIGHT', 'FINALIZED', 'FAILED', 'HOLD')),
    -- Compare-and-swap: whoever read an older version has lost the race.
    version           integer     NOT NULL DEFAULT 0 CHECK (version >= 0),
    -- The account that makes a second payment of this batch impossible.
    receipt_address   text        NOT NULL UNIQUE CHECK (length(receipt_address) BETWEEN 32 AND 44),
    receipt_state     text        NOT NULL DEFAULT 'NONE'
        CHECK (receipt_state IN ('NONE', 'LOCKED', 'RECLAIMED')),
    -- Root over the items' leaves; travels in the memo.
    merkle_root       bytea       NOT NULL CHECK (length(merkle_root) = 32),
    payees            integer     NOT NULL CHECK (payees BETWEEN 1 AND 64),
    lamports          bigint      NOT NULL CHECK (lamports > 0),
    -- Reserved in the treasury for fee, receipt and, where it is the source, the transfers.
    treasury_reserved_lamports bigint NOT NULL CHECK (treasury_reserved_lamports >= 0),
    hold_reason       text,
    planned_at        timestamptz NOT NULL,
    closed_at         timestamptz,
    CHECK ((state = 'HOLD') = (hold_reason IS NOT NULL)),
    CHECK ((state IN ('FINALIZED', 'FAILED')) = (closed_at IS NOT NULL)),
    CHECK (state = 'FINALIZED' OR receipt_state = 'NONE')
);
CREATE INDEX batches_open ON batches (planned_at) WHERE state IN ('PLANNED', 'SIGNED', 'INFLIGHT');
CREATE INDEX batches_held ON batches (planned_at) WHERE state = 'HOLD';
CREATE INDEX batches_closed ON batches (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE payouts (
    id                  uuid        PRIMARY KEY,
    kind                text        NOT NULL CHECK (kind IN
        ('earnings', 'return', 'withdrawal', 'investment', 'refund', 'release')),
    -- Whose money it is; NULL for a release from escrow to the treasury.
    user_id             text        REFERENCES user_wallets,
    -- Ledger account that is debited and holds the reservation ('owed:alice', 'wallet:alice').
    debit_account       text        NOT NULL REFERENCES ledger_accounts,
    -- Ledger account of the destination address ('wallet:alice', 'world', 'escrow').
    credit_account      text        NOT NULL REFERENCES ledger_accounts,
    destination         text        NOT NULL CHECK (length(destination) BETWEEN 32 AND 44),
    lamports            bigint      NOT NULL CHECK (lamports > 0),
    state               text        NOT NULL DEFAULT 'PENDING' CHECK (state IN
        ('PENDING', 'RESERVED', 'PAID', 'QUARANTINED')),
    batch_id            uuid        REFERENCES batches,
    -- The investment that is moved, refunded or released.
    investment_id       uuid        REFERENCES content_investments,
    -- Why it is quarantined, in plain words.
    reason              text,
    created_at          timestamptz NOT NULL,
    paid_at             timestamptz,
    CHECK ((kind = 'release') = (user_id IS NULL)),
    CHECK ((state IN ('RESERVED', 'PAID')) = (batch_id IS NOT NULL)),
    CHECK ((state = 'PAID') = (paid_at IS NOT NULL)),
    CHECK ((state = 'QUARANTINED') = (reason IS NOT NULL)),
    CHECK ((kind IN ('investment', 'refund')) <= (investment_id IS NOT NULL))
);
CREATE INDEX payouts_pending ON payouts (created_at, id) WHERE state = 'PENDING';
CREATE INDEX payouts_by_user ON payouts (user_id, created_at DESC, id DESC);
CREATE INDEX payouts_by_batch ON payouts (batch_id) WHERE batch_id IS NOT NULL;
-- What leaves a user's own wallet is settled one after the other: each is judged by what the
-- wallet holds, and that is known only when the one before it is final.
CREATE INDEX payouts_leaving ON payouts (debit_account, created_at, id)
    WHERE kind IN ('withdrawal', 'investment') AND state IN ('PENDING', 'RESERVED');
CREATE UNIQUE INDEX payouts_one_leaving ON payouts (debit_account)
    WHERE kind IN ('withdrawal', 'investment') AND state = 'RESERVED';
-- An investment moves to escrow once and comes back once.
CREATE UNIQUE INDEX payouts_one_per_investment ON payouts (investment_id, kind)
    WHERE investment_id IS NOT NULL;

-- Which payouts a batch carries, in the order of its transfers. Kept after a dissolution.
CREATE TABLE batch_items (
    batch_id  uuid    NOT NULL REFERENCES batches,
    position  integer NOT NULL CHECK (position >= 0),
    payout_id uuid    NOT NULL REFERENCES payouts,
    -- Keeps a leaf from being guessed by trying amounts.
    salt      bytea   NOT NULL CHECK (length(salt) = 16),
    -- False once the batch was dissolved.
    is_live   boolean NOT NULL DEFAULT true,
    PRIMARY KEY (batch_id, position)
);
-- A payout is in one live batch at a time.
CREATE UNIQUE INDEX batch_items_one_live ON batch_items (payout_id) WHERE is_live;

-- Every signed transaction, stored before its first byte is sent.
CREATE TABLE transactions (
    signature               text        PRIMARY KEY CHECK (length(signature) BETWEEN 64 AND 88),
    batch_id                uuid        NOT NULL REFERENCES batches,
    attempt                 integer     NOT NULL CHECK (attempt > 0),
    state                   text        NOT NULL DEFAULT 'SIGNED' CHECK (state IN
        ('SIGNED', 'INFLIGHT', 'LANDED', 'FAILED', 'EXPIRED')),
    -- Exactly what was signed. Only these bytes are ever sent again.
    raw                     bytea       NOT NULL CHECK (length(raw) <= 1232),
    blockhash               text        NOT NULL,
    -- First slot in which it could land, and last block height at which it still can.
    blockhash_slot          bigint      NOT NULL CHECK (blockhash_slot >= 0),
    last_valid_block_height bigint      NOT NULL CHECK (last_valid_block_height > 0),
    -- Signatures × base fee + compute limit × price: what it may cost at most.
    fee_lamports_max        bigint      NOT NULL CHECK (fee_lamports_max > 0),
    -- What the chain charged; NULL until finalized.
    fee_lamports            bigint      CHECK (fee_lamports BETWEEN 0 AND fee_lamports_max),
    slot                    bigint      CHECK (slot >= 0),
    error                   text,
    signed_at               timestamptz NOT NULL,
    sent_at                 timestamptz,
    closed_at               timestamptz,
    UNIQUE (batch_id, attempt),
    CHECK ((state IN ('LANDED', 'FAILED', 'EXPIRED')) = (closed_at IS NOT NULL)),
    CHECK ((state IN ('LANDED', 'FAILED')) = (slot IS NOT NULL AND fee_lamports IS NOT NULL)),
    CHECK ((state = 'FAILED') = (error IS NOT NULL))
);
-- At most one attempt of a batch can still move money.
CREATE UNIQUE INDEX transactions_one_live ON transactions (batch_id)
    WHERE state IN ('SIGNED', 'INFLIGHT');
-- One attempt of a batch has paid it, ever.
CREATE UNIQUE INDEX transactions_one_landed ON transactions (batch_id) WHERE state = 'LANDED';
CREATE INDEX transactions_closed ON transactions (closed_at) WHERE closed_at IS NOT NULL;

-- Payouts with the transaction that carries them now, or carried them last.
CREATE VIEW carried_payouts AS
SELECT payouts.*, carrier.signature, carrier.slot, carrier.fee_lamports
FROM payouts
LEFT JOIN LATERAL (
    SELECT signature, slot, fee_lamports
    FROM transactions
    WHERE transactions.batch_id = payouts.batch_id
    ORDER BY (state = 'LANDED') DESC, attempt DESC
    LIMIT 1
) AS carrier ON true;

-- What a node said when an attempt was declared dead or a batch was held.
CREATE TABLE rpc_evidence (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id    uuid        NOT NULL REFERENCES batches,
    node        text        NOT NULL,
    evidence    jsonb       NOT NULL,
    observed_at timestamptz NOT NULL
);
CREATE INDEX rpc_evidence_by_batch ON rpc_evidence (batch_id, id);

CREATE FUNCTION settlement_edges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = NEW.state THEN
        RETURN NEW;
    END IF;
    IF (TG_TABLE_NAME, OLD.state, NEW.state) NOT IN (
        ('payouts', 'PENDING', 'RESERVED'), ('payouts', 'RESERVED', 'PAID'),
        ('payouts', 'RESERVED', 'PENDING'), ('payouts', 'RESERVED', 'QUARANTINED'),
        ('batches', 'PLANNED', 'SIGNED'), ('batches', 'SIGNED', 'INFLIGHT'),
        ('batches', 'SIGNED', 'FINALIZED'), ('batches', 'INFLIGHT', 'FINALIZED'),
        ('batches', 'SIGNED', 'PLANNED'), ('batches', 'INFLIGHT', 'PLANNED'),
        ('batches', 'SIGNED', 'FAILED'), ('batches', 'INFLIGHT', 'FAILED'),
        ('batches', 'PLANNED', 'FAILED'),
        ('batches', 'SIGNED', 'HOLD'), ('batches', 'INFLIGHT', 'HOLD'),
        ('batches', 'HOLD', 'INFLIGHT'), ('batches', 'PLANNED', 'HOLD'),
        ('transactions', 'SIGNED', 'INFLIGHT'), ('transactions', 'SIGNED', 'LANDED'),
        ('transactions', 'SIGNED', 'FAILED'), ('transactions', 'SIGNED', 'EXPIRED'),
        ('transactions', 'INFLIGHT', 'LANDED'), ('transactions', 'INFLIGHT', 'FAILED'),
        ('transactions', 'INFLIGHT', 'EXPIRED')
    ) THEN
        RAISE EXCEPTION '%: no way from % to %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payouts_edges BEFORE UPDATE OF state ON payouts
    FOR EACH ROW EXECUTE FUNCTION settlement_edges();
CREATE TRIGGER batches_edges BEFORE UPDATE OF state ON batches
    FOR EACH ROW EXECUTE FUNCTION settlement_edges();
CREATE TRIGGER transactions_edges BEFORE UPDATE OF state ON transactions
    FOR EACH ROW EXECUTE FUNCTION settlement_edges();

-- What a user has earned and, once claimed, the payout that carries it.
CREATE TABLE pending_earnings (
    drain_id   uuid        NOT NULL REFERENCES drains,
    content_id text        NOT NULL REFERENCES contents,
    user_id    text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('earnings', 'return')),
    views      integer     NOT NULL CHECK (views > 0),
    lamports   bigint      NOT NULL CHECK (lamports > 0),
    -- NULL while nobody has claimed it for a payout.
    payout_id  uuid        REFERENCES payouts DEFERRABLE INITIALLY DEFERRED,
    accrued_at timestamptz NOT NULL,
    PRIMARY KEY (drain_id, content_id, user_id, kind)
);
CREATE INDEX pending_earnings_unclaimed ON pending_earnings (user_id, kind) WHERE payout_id IS NULL;
CREATE INDEX pending_earnings_by_user ON pending_earnings (user_id, content_id);
