-- One account's balance.
SELECT posted_lamports, reserved_lamports
FROM ledger_accounts
WHERE account = %(account)s
