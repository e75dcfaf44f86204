-- All entries of some ledger transactions; the trigger checks each sum and moves the balances.
INSERT INTO ledger_entries (transaction_id, account, lamports)
SELECT transaction_id, account, lamports
FROM unnest(%(transaction_ids)s::bigint[], %(accounts)s::text[], %(lamports)s::bigint[])
     AS entry (transaction_id, account, lamports)
