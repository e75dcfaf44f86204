-- All entries of one ledger transaction; the trigger checks their sum and moves the balances.
INSERT INTO ledger_entries (transaction_id, account, lamports)
SELECT %(transaction_id)s, account, lamports
FROM unnest(%(accounts)s::text[], %(lamports)s::bigint[]) AS entry (account, lamports)
