-- Lock accounts in the order of their names, so that two who need several cannot deadlock.
SELECT account
FROM ledger_accounts
WHERE account = ANY(%(accounts)s::text[])
ORDER BY account
FOR NO KEY UPDATE
