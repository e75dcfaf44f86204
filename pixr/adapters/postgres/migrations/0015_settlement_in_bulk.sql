-- The same guarantees for fewer writes a payee (ADR-0022).

SET LOCAL lock_timeout = '5s';

-- What of the account's promises an entry makes good: posting and releasing are one write then.
ALTER TABLE ledger_entries
    ADD COLUMN released_lamports bigint NOT NULL DEFAULT 0 CHECK (released_lamports >= 0),
    -- Where an account gains as much as it pays, only its promise ends.
    DROP CONSTRAINT ledger_entries_lamports_check,
    ADD CONSTRAINT ledger_entries_say_something CHECK (lamports <> 0 OR released_lamports <> 0);

-- As before (0014); an entry that releases ends that much of its account's promises in the same write.
-- An account that is opened here has promised nothing, so it cannot release.
CREATE OR REPLACE FUNCTION ledger_entries_post() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bad record;
    known text[];
BEGIN
    SELECT summed.transaction_id, ledger_transactions.id IS NULL AS is_missing INTO bad
    FROM (SELECT transaction_id, sum(lamports) AS lamports
          FROM fresh GROUP BY transaction_id) AS summed
    LEFT JOIN ledger_transactions ON ledger_transactions.id = summed.transaction_id
    WHERE summed.lamports <> 0 OR ledger_transactions.id IS NULL
    LIMIT 1;
    IF FOUND AND bad.is_missing THEN
        RAISE EXCEPTION 'there is no ledger transaction %', bad.transaction_id
            USING ERRCODE = 'foreign_key_violation';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', bad.transaction_id
            USING ERRCODE = 'check_violation';
    END IF;
    LOOP
        BEGIN
            -- In the order of names, so that two posters cannot deadlock.
            SELECT COALESCE(array_agg(account), '{}') INTO known
            FROM (SELECT account FROM ledger_accounts
                  WHERE account IN (SELECT account FROM fresh)
                  ORDER BY account FOR NO KEY UPDATE) AS locked;
            UPDATE ledger_accounts
            SET posted_lamports = posted_lamports + moved.lamports,
                reserved_lamports = reserved_lamports - moved.released_lamports
            FROM (SELECT account, sum(lamports)::bigint AS lamports,
                         sum(released_lamports)::bigint AS released_lamports
                  FROM fresh WHERE account = ANY(known) GROUP BY account) AS moved
            WHERE ledger_accounts.account = moved.account;
            INSERT INTO ledger_accounts (account, posted_lamports, reserved_lamports)
            SELECT account, sum(lamports)::bigint, -sum(released_lamports)::bigint
            FROM fresh
            WHERE account <> ALL(known)
            GROUP BY account
            ORDER BY account;
            RETURN NULL;
        EXCEPTION WHEN unique_violation THEN
            -- Somebody else has just opened one of them: now it is known. That happens at most once
            -- for each account, because none ever goes.
        END;
    END LOOP;
END $$;

DROP TRIGGER ledger_transactions_stay ON ledger_transactions;
CREATE TRIGGER ledger_transactions_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Kind and user stand in the name, and whoever wants them reads them there. In columns of their own
-- they cost every movement of a balance more than the movement: where an update needs none of a
-- table's generated columns, PostgreSQL parses their expressions anew for each row.
CREATE OR REPLACE VIEW owed_accounts AS
SELECT account,
       split_part(account, ':', 1) AS kind,
       substr(account, strpos(account, ':') + 1) AS user_id,
       posted_lamports - reserved_lamports AS available_lamports,
       -- A return whose every live investment has reached its cap will not grow any more, so
       -- waiting for the minimum would be waiting for ever (ADR-0008).
       split_part(account, ':', 1) = 'return' AND NOT EXISTS (
           SELECT 1
           FROM content_investments
           WHERE content_investments.user_id
                 = substr(ledger_accounts.account, strpos(ledger_accounts.account, ':') + 1)
             AND content_investments.state = 'LIVE'
             AND (content_investments.return_cap_lamports IS NULL
                  OR content_investments.returned_lamports
                     < content_investments.return_cap_lamports)
       ) AS is_final
FROM ledger_accounts
WHERE posted_lamports > reserved_lamports
  AND split_part(account, ':', 1) IN ('owed', 'return');
ALTER TABLE ledger_accounts
    DROP COLUMN kind,
    DROP COLUMN user_id,
    ADD CONSTRAINT ledger_accounts_have_a_kind CHECK (
        account IN ('treasury', 'escrow', 'receipts', 'tables', 'network', 'world',
                    'views', 'platform', 'settled')
        OR (split_part(account, ':', 1) IN ('wallet', 'owed', 'return')
            AND length(account) > strpos(account, ':') AND strpos(account, ':') > 0)),
    -- As before; the name is looked at only where it matters.
    DROP CONSTRAINT ledger_accounts_check1,
    ADD CONSTRAINT ledger_accounts_cover_their_promises
        CHECK (posted_lamports >= reserved_lamports OR account IN ('world', 'views'));

-- No statement looks anything up by these; and with an index on the balance itself each movement
-- wrote every index of the account anew. Now it finds room on its page and writes none.
DROP INDEX ledger_accounts_due, ledger_entries_by_account;
ALTER TABLE ledger_accounts SET (fillfactor = 60);

-- For whom a payout waits: the settler ('pending'), a person ('aside'), or, when it leaves a user's
-- own wallet, the chain ('leaving'). Nobody waits for any other that is reserved, so that being paid
-- changes no column of an index, and writes none.
ALTER TABLE payouts
    ADD COLUMN queue text GENERATED ALWAYS AS (
        CASE WHEN state = 'PENDING' THEN 'pending'
             WHEN state = 'QUARANTINED' THEN 'aside'
             WHEN state = 'RESERVED' AND kind IN ('withdrawal', 'investment') THEN 'leaving' END
    ) STORED;
DROP INDEX payouts_pending, payouts_quarantined, payouts_leaving, payouts_one_leaving;
CREATE INDEX payouts_pending ON payouts (created_at, id) WHERE queue = 'pending';
CREATE INDEX payouts_quarantined ON payouts (created_at, id) WHERE queue = 'aside';
CREATE INDEX payouts_leaving ON payouts (debit_account, created_at, id)
    WHERE kind IN ('withdrawal', 'investment') AND queue IN ('pending', 'leaving');
CREATE UNIQUE INDEX payouts_one_leaving ON payouts (debit_account) WHERE queue = 'leaving';
ALTER TABLE payouts SET (fillfactor = 60);

-- The two edges of a healthy minute are allowed without a call; every other one is looked up.
DROP TRIGGER payouts_edges ON payouts;
CREATE TRIGGER payouts_edges BEFORE UPDATE OF state ON payouts
    FOR EACH ROW
    WHEN ((OLD.state, NEW.state) NOT IN (('PENDING', 'RESERVED'), ('RESERVED', 'PAID')))
    EXECUTE FUNCTION settlement_edges();
