-- Wallets, and the double-entry ledger that every lamport passes through.

SET LOCAL lock_timeout = '5s';

CREATE TABLE user_wallets (
    -- As the identity provider gives it, never normalised: it is the input of the key derivation.
    user_id            text        PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 128),
    -- Pinned at first use. A later derivation that disagrees refuses to sign.
    address            text        NOT NULL UNIQUE CHECK (length(address) BETWEEN 32 AND 44),
    derivation_version smallint    NOT NULL CHECK (derivation_version > 0),
    created_at         timestamptz NOT NULL
);
CREATE INDEX user_wallets_by_creation ON user_wallets (created_at);

-- The account's name says its kind: 'treasury', 'wallet:alice', 'owed:alice'.
--   on chain   treasury, escrow, receipts (rent locked in receipts), wallet:<user>,
--              network (fees burnt), world (everything outside; the mirror of deposits)
--   accruals   views (mirror of all gross earnings), platform, owed:<creator>,
--              return:<investor>, settled (accruals that were paid)
-- Each family sums to zero on its own, so the whole ledger does.
CREATE TABLE ledger_accounts (
    account           text   PRIMARY KEY,
    kind              text   NOT NULL GENERATED ALWAYS AS (split_part(account, ':', 1)) STORED
        CHECK (kind IN ('treasury', 'escrow', 'receipts', 'wallet', 'network', 'world',
                        'views', 'platform', 'owed', 'return', 'settled')),
    -- NULL for the accounts of the house.
    user_id           text   GENERATED ALWAYS AS
        (NULLIF(substr(account, length(split_part(account, ':', 1)) + 2), '')) STORED,
    posted_lamports   bigint NOT NULL DEFAULT 0,
    -- Promised to payouts that are not final yet.
    reserved_lamports bigint NOT NULL DEFAULT 0 CHECK (reserved_lamports >= 0),
    CHECK ((user_id IS NOT NULL) = (split_part(account, ':', 1) IN ('wallet', 'owed', 'return'))),
    -- Nobody spends what is not there: available = posted − reserved, never negative,
    -- except for the two mirrors of what lies outside the ledger.
    CHECK (split_part(account, ':', 1) IN ('world', 'views') OR posted_lamports >= reserved_lamports)
);
-- "Who is owed enough to be paid?", asked every minute.
CREATE INDEX ledger_accounts_due ON ledger_accounts (posted_lamports)
    WHERE split_part(account, ':', 1) IN ('owed', 'return');

CREATE TABLE ledger_transactions (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The event that caused it ('attempt:<signature>', 'drain:<id>'): a replay finds it taken.
    reference text        NOT NULL UNIQUE,
    posted_at timestamptz NOT NULL
);

CREATE TABLE ledger_entries (
    transaction_id bigint NOT NULL REFERENCES ledger_transactions,
    account        text   NOT NULL REFERENCES ledger_accounts,
    lamports       bigint NOT NULL CHECK (lamports <> 0),
    PRIMARY KEY (transaction_id, account)
);
CREATE INDEX ledger_entries_by_account ON ledger_entries (account, transaction_id);

-- All entries of a ledger transaction come in one statement; it must sum to zero, and
-- it is the only thing that moves a posted balance.
--
-- The entries' foreign key holds FOR KEY SHARE on the accounts before the trigger runs. FOR UPDATE
-- would conflict with that, and two posters that share an account ('world') would each wait for
-- the other. FOR NO KEY UPDATE does not, and still keeps posters apart; no key ever changes.
--
-- A connection's first post is often a large drain, whose plan reads all accounts. Kept for the
-- next thousand posts of sixteen payees, it made the time per payee grow with the number of
-- accounts (docs/BENCHMARKS.md), so each post is planned for itself.
CREATE FUNCTION ledger_entries_post() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    unbalanced bigint;
BEGIN
    SELECT transaction_id INTO unbalanced
    FROM fresh GROUP BY transaction_id HAVING sum(lamports) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', unbalanced
            USING ERRCODE = 'check_violation';
    END IF;
    -- In the order of names, so that two posters cannot deadlock.
    PERFORM 1 FROM ledger_accounts
    WHERE account IN (SELECT account FROM fresh) ORDER BY account FOR NO KEY UPDATE;
    UPDATE ledger_accounts
    SET posted_lamports = posted_lamports + moved.lamports
    FROM (SELECT account, sum(lamports)::bigint AS lamports FROM fresh GROUP BY account) AS moved
    WHERE ledger_accounts.account = moved.account;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_post AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_post();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO ledger_accounts (account)
VALUES ('treasury'), ('escrow'), ('receipts'), ('network'), ('world'),
       ('views'), ('platform'), ('settled');

-- Money that came from outside to an address of ours, found by walking its signatures.
CREATE TABLE deposits (
    signature   text        NOT NULL CHECK (length(signature) BETWEEN 64 AND 88),
    account     text        NOT NULL REFERENCES ledger_accounts,
    lamports    bigint      NOT NULL CHECK (lamports > 0),
    slot        bigint      NOT NULL CHECK (slot >= 0),
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (signature, account)
);

-- How far an address has been walked: everything up to this signature is in the ledger.
CREATE TABLE deposit_cursors (
    address    text        PRIMARY KEY CHECK (length(address) BETWEEN 32 AND 44),
    signature  text        NOT NULL CHECK (length(signature) BETWEEN 64 AND 88),
    walked_at  timestamptz NOT NULL
);
