-- Make sure that the accounts exist; in the order of names, so that two callers cannot deadlock.
INSERT INTO ledger_accounts (account)
SELECT account
FROM unnest(%(accounts)s::text[]) AS account
ORDER BY account
ON CONFLICT (account) DO NOTHING
