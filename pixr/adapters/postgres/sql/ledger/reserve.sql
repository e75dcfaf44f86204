-- Promise lamports of an account, if that much is available. No row: it is not.
UPDATE ledger_accounts
SET reserved_lamports = reserved_lamports + %(lamports)s
WHERE account = %(account)s
  AND posted_lamports - reserved_lamports >= %(lamports)s
RETURNING account
