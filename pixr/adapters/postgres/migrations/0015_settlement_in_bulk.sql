-- The same guarantees for fewer writes a payee (ADR-0022).

SET LOCAL lock_timeout = '5s';

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
