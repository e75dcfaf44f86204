-- What is read back from the chain after the database was restored to an older point (ADR-0018).

SET LOCAL lock_timeout = '5s';

-- A run of `pixr recover`. One that did not end clean stays open, and the next run walks the
-- chain from the same place: whatever was explained meanwhile is booked then.
CREATE TABLE recoveries (
    id               uuid        PRIMARY KEY,
    -- The newest payment that the database knew to be closed when it began; everything that it
    -- has forgotten is newer. NULL: it knew none, and the whole history is walked.
    anchor_signature text        CHECK (length(anchor_signature) BETWEEN 64 AND 88),
    anchor_slot      bigint      CHECK (anchor_slot >= 0),
    begun_at         timestamptz NOT NULL,
    finished_at      timestamptz,
    CHECK ((anchor_signature IS NULL) = (anchor_slot IS NULL))
);
CREATE UNIQUE INDEX recoveries_one_open ON recoveries ((true)) WHERE finished_at IS NULL;

-- What a payment shows to have been earned though the views behind it were lost with the
-- database. It stands where accruals stand: claimed by its payout, owed to its user.
CREATE TABLE recovered_accruals (
    payout_id    uuid        PRIMARY KEY REFERENCES payouts,
    user_id      text        NOT NULL REFERENCES user_wallets,
    kind         text        NOT NULL CHECK (kind IN ('earnings', 'return')),
    lamports     bigint      NOT NULL CHECK (lamports > 0),
    recovered_at timestamptz NOT NULL
);

-- An accrual that was paid in part is divided, and its views with it: fewer than one may be left.
ALTER TABLE pending_earnings
    DROP CONSTRAINT pending_earnings_views_check,
    ADD CONSTRAINT pending_earnings_views_check CHECK (views >= 0);

-- The transaction that a payout was read back from; NULL for what was asked for here.
ALTER TABLE payouts
    ADD COLUMN recovered_from text CHECK (length(recovered_from) BETWEEN 64 AND 88),
    -- Of an investment that was read back nobody knows what it was for.
    DROP CONSTRAINT payouts_check4,
    ADD CONSTRAINT payouts_of_investments
        CHECK (kind NOT IN ('investment', 'refund')
               OR investment_id IS NOT NULL OR recovered_from IS NOT NULL);

-- "Which payouts were put aside?", asked by a person.
CREATE INDEX payouts_quarantined ON payouts (created_at, id) WHERE state = 'QUARANTINED';

-- "As of which slot are the books?", asked at each tick before a balance on chain is believed.
CREATE INDEX transactions_by_slot ON transactions (slot) WHERE state IN ('LANDED', 'FAILED');
CREATE INDEX deposits_of_treasury ON deposits (slot) WHERE account = 'treasury';
