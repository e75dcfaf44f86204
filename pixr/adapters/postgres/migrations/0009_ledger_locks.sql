-- Posting locks its accounts against other posters, not against those who only refer to them.

SET LOCAL lock_timeout = '5s';

-- The entries' foreign key holds FOR KEY SHARE on the accounts before this trigger runs. FOR UPDATE
-- conflicts with that: two posters that share an account ('world') each waited for the other, and
-- two people who looked at their balance after a deposit deadlocked. FOR NO KEY UPDATE does not
-- conflict with it, and still keeps posters apart; no key of an account ever changes.
CREATE OR REPLACE FUNCTION ledger_entries_post() RETURNS trigger LANGUAGE plpgsql AS $$
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
