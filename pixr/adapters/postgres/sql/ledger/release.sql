-- Take promises back. The CHECK on the column refuses to release more than was reserved.
UPDATE ledger_accounts
SET reserved_lamports = reserved_lamports - promise.lamports
FROM unnest(%(accounts)s::text[], %(lamports)s::bigint[]) AS promise (account, lamports)
WHERE ledger_accounts.account = promise.account
