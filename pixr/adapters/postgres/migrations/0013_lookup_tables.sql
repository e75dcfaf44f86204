-- Lookup tables on chain, in which regular payees stand, and messages in the form of v1 (ADR-0019).

SET LOCAL lock_timeout = '5s';

-- Rent locked in lookup tables.
ALTER TABLE ledger_accounts
    DROP CONSTRAINT ledger_accounts_kind_check,
    ADD CONSTRAINT ledger_accounts_kind_check CHECK (kind IN
        ('treasury', 'escrow', 'receipts', 'tables', 'wallet', 'network', 'world',
         'views', 'platform', 'owed', 'return', 'settled'));
INSERT INTO ledger_accounts (account) VALUES ('tables');

CREATE TABLE lookup_tables (
    address     text        PRIMARY KEY CHECK (length(address) BETWEEN 32 AND 44),
    -- The slot that it is named after: treasury and slot give the address.
    recent_slot bigint      NOT NULL CHECK (recent_slot >= 0),
    state       text        NOT NULL DEFAULT 'CREATING' CHECK (state IN
        ('CREATING', 'USABLE', 'DOUBTED', 'ABANDONED')),
    -- What speaks against using it, in plain words.
    doubt       text,
    created_at  timestamptz NOT NULL,
    CHECK ((state = 'DOUBTED') = (doubt IS NOT NULL))
);

-- An extension writes payees into a table. It pays nobody, so it commits to no amounts; a receipt
-- it has, because repeated it would write them twice.
ALTER TABLE batches
    DROP CONSTRAINT batches_kind_check,
    ADD CONSTRAINT batches_kind_check CHECK (kind IN
        ('earnings', 'withdrawal', 'investment', 'refund', 'release', 'reclaim', 'table')),
    DROP CONSTRAINT batches_payments_have_receipts,
    ADD CONSTRAINT batches_payments_have_receipts
        CHECK ((kind = 'reclaim') = (receipt_address IS NULL)
               AND (kind IN ('reclaim', 'table')) = (merkle_root IS NULL)),
    -- Of a payment: where its destinations are looked up. Of an extension: what is extended; NULL
    -- for one that failed in a time that the database has forgotten.
    ADD COLUMN table_address text REFERENCES lookup_tables,
    ADD CONSTRAINT batches_tables
        CHECK (CASE kind WHEN 'table' THEN table_address IS NOT NULL OR state = 'FAILED'
                         WHEN 'earnings' THEN true
                         ELSE table_address IS NULL END);
-- Positions follow from what was written before, so one extension is decided before the next.
CREATE UNIQUE INDEX batches_one_extension ON batches (kind)
    WHERE kind = 'table' AND state NOT IN ('FINALIZED', 'FAILED');
-- "Whom have full transactions paid lately?", asked when no extension is under way.
CREATE INDEX batches_of_earnings ON batches (closed_at DESC)
    WHERE kind = 'earnings' AND state = 'FINALIZED';

-- Who stands where in a table, and which batch wrote it.
CREATE TABLE lookup_entries (
    batch_id      uuid     NOT NULL REFERENCES batches,
    table_address text     NOT NULL REFERENCES lookup_tables,
    position      smallint NOT NULL CHECK (position BETWEEN 0 AND 255),
    address       text     NOT NULL CHECK (length(address) BETWEEN 32 AND 44),
    -- False once the extension failed: the place is free again.
    is_live       boolean  NOT NULL DEFAULT true,
    -- True once the extension is final: transactions may look it up.
    is_usable     boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (batch_id, position),
    CHECK (is_live OR NOT is_usable)
);
CREATE UNIQUE INDEX lookup_entries_one_per_place ON lookup_entries (table_address, position)
    WHERE is_live;
-- A payee stands in one table.
CREATE UNIQUE INDEX lookup_entries_one_per_payee ON lookup_entries (address) WHERE is_live;

-- A v1 message has no table; its form is fixed when it is planned, because 60 payees fit no other.
ALTER TABLE batches
    ADD COLUMN is_v1 boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT batches_v1_pay_earnings
        CHECK (NOT is_v1 OR (kind = 'earnings' AND table_address IS NULL));
-- Only a transaction in the form of v1 begins with this byte, and only it may be larger.
ALTER TABLE transactions
    DROP CONSTRAINT transactions_raw_check,
    ADD CONSTRAINT transactions_raw_check
        CHECK (length(raw) <= CASE WHEN substr(raw, 1, 1) = '\x81' THEN 4096 ELSE 1232 END);
