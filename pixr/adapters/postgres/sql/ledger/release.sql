-- Take a promise back. The CHECK on the column refuses to release more than was reserved.
UPDATE ledger_accounts
SET reserved_lamports = reserved_lamports - %(lamports)s
WHERE account = %(account)s
